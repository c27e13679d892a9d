SELECT state, COUNT(DISTINCT p.id), SUM(cost) FROM patients p JOIN visits v ON p.id = v.patient AND v.day > '2020-01-01' GROUP BY p.state
