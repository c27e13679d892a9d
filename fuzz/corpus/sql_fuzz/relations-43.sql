SELECT MAX(m) FROM (SELECT n, COUNT(*) AS m FROM (SELECT patient, day, COUNT(cost) AS n FROM visits GROUP BY 1, 2) a GROUP BY n) b
