step "6. A peek that is rolled back" \
	"The record is on disk before the first row leaves, and is no part of the transaction."

way="peek"
show scientist <<'SQL'
BEGIN;
SELECT first_name, last_name, ssn FROM patient ORDER BY last_name LIMIT 2;
ROLLBACK;
SQL
on_record <<'END'
scientist: read, SELECT, 2 rows
  came out  patient.first_name patient.last_name patient.ssn
END
