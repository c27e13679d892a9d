SELECT COUNT(*) FROM visits a JOIN visits b USING (patient, day) WHERE a.cost < 5 OR b.state LIKE 'a%'
