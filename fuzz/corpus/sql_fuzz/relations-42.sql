SELECT COUNT(*) FROM patients, (SELECT * FROM visits) v, visits w WHERE id = v.patient AND v.patient = w.patient
