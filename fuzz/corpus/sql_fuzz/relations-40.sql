SELECT AVG(n), MAX(s) FROM (SELECT patient, COUNT(*) AS n, SUM(cost) AS s FROM visits WHERE cost > 5 GROUP BY patient) AS t WHERE n < 9
