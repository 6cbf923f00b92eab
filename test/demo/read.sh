step "3. Three roles reach the data in ten different ways" \
	"dr_grey treats patients, billing writes invoices, scientist trains models.  After each way: what is on record."

sql postgres <<'SQL'
GRANT SELECT, UPDATE ON patient TO dr_grey;
GRANT SELECT ON encounter, condition, readmission TO dr_grey, scientist;
GRANT SELECT ON patient TO scientist;
GRANT CREATE ON SCHEMA public TO scientist;
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO scientist;
SELECT FROM phiguard.create_key('readmission model');
SELECT FROM phiguard.grant_key('readmission model', 'scientist');

CREATE VIEW chart AS
    SELECT p.id, p.first_name, p.last_name, p.birth_date, p.ssn, p.address, p.zip, e.start, e.class, e.description
      FROM patient p JOIN encounter e ON e.patient = p.id WHERE p.death_date IS NULL;
GRANT SELECT ON chart TO dr_grey;
CREATE FUNCTION invoice_address(patient_id text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN (SELECT concat_ws(', ', p.last_name, p.address, p.city, p.zip) FROM public.patient p WHERE p.id = patient_id);
END $$;
CREATE FUNCTION visits(patient_id text) RETURNS TABLE (day date, class text) LANGUAGE sql STABLE AS $$
    SELECT e.start::date, e.class FROM public.encounter e WHERE e.patient = patient_id ORDER BY 1 $$;
SQL

way="1 table"
tell "1. A table, read directly."
show dr_grey <<'SQL'
SELECT first_name, last_name, birth_date FROM patient WHERE ssn = '999-66-5120';
SQL
on_record <<'END'
dr_grey: read, SELECT, 1 row
  came out  patient.birth_date patient.first_name patient.last_name
  steered   patient.ssn
END

way="2 view"
tell "2. A view with nine labelled columns.  The query counts one of them and shows none; the view itself needs three more."
show dr_grey <<'SQL'
SELECT class, count(DISTINCT zip) AS zips FROM chart GROUP BY class ORDER BY class;
SQL
on_record <<'END'
dr_grey: read, SELECT, 6 rows
  steered   encounter.patient patient.death_date patient.id patient.zip
END

way="3 function"
tell "3. A function that runs with its owner's rights: billing may not read patient itself."
show billing <<'SQL'
SELECT last_name FROM patient;
SELECT invoice_address('3edac2e3-d223-6fae-d515-daf96ef6bc76');
SQL
on_record <<'END'
billing: denied, SELECT, 0 rows
  asked for patient.last_name
billing: read, SELECT, 1 row
  came out  patient.address patient.city patient.last_name patient.zip
  steered   patient.id
END

way="4 set-returning function"
tell "4. A set-returning SQL function, which PostgreSQL puts into the calling query."
show scientist <<'SQL'
SELECT count(*) AS visits, min(day) AS first FROM visits('3edac2e3-d223-6fae-d515-daf96ef6bc76');
SQL
on_record <<'END'
scientist: read, SELECT, 1 row
  came out  encounter.start
  steered   encounter.patient
END

way="5 cursor"
tell "5. A cursor over all patients, of which two are fetched."
show dr_grey <<'SQL'
BEGIN;
DECLARE c CURSOR FOR SELECT last_name, address FROM patient ORDER BY last_name;
FETCH 2 FROM c;
COMMIT;
SQL
on_record <<'END'
dr_grey: read, SELECT, 2 rows
  came out  patient.address patient.last_name
END

way="6 prepared"
tell "6. A prepared statement, planned once and executed twice."
show dr_grey <<'SQL'
PREPARE by_name (text) AS SELECT id FROM patient WHERE last_name = $1;
EXECUTE by_name ('Mante251');
EXECUTE by_name ('Nobody');
SQL
on_record <<'END'
dr_grey: read, SELECT, 1 row
  came out  patient.id
  steered   patient.last_name
dr_grey: read, SELECT, 0 rows
  came out  patient.id
  steered   patient.last_name
END

way="7 join"
tell "7. A join: who has hypertension, counted by sex."
show scientist <<'SQL'
SELECT p.gender, count(*) FROM patient p JOIN condition c ON c.patient = p.id
 WHERE c.description = 'Hypertension' GROUP BY p.gender ORDER BY 1;
SQL
on_record <<'END'
scientist: read, SELECT, 2 rows
  came out  patient.gender
  steered   condition.description condition.patient patient.id
END

way="8 COPY"
tell "8. COPY to the client, as pg_dump and dataframe libraries do."
show scientist <<'SQL'
COPY (SELECT age, time_in_hospital, readmitted FROM readmission WHERE race = 'Hispanic' LIMIT 3) TO STDOUT;
\copy readmission (age, gender, readmitted) TO '/dev/null'
SQL
on_record <<'END'
scientist: read, COPY, 3 rows
  came out  readmission.age readmission.readmitted
  steered   readmission.race
scientist: read, COPY, 10158 rows
  came out  readmission.age readmission.gender readmission.readmitted
END

way="9 new table"
tell "9. A table made from a query: tokens in place of social security numbers, the year in place of the birth date."
show scientist <<'SQL'
CREATE TABLE training AS
    SELECT phiguard.token(ssn, 'readmission model') AS person, extract(year FROM birth_date) AS born, gender, zip
      FROM patient;
SELECT person, born, zip FROM training ORDER BY person LIMIT 2;
SQL
on_record <<'END'
scientist: write, CREATE TABLE AS, 27 rows
  stored    patient.birth_date patient.gender patient.ssn patient.zip
scientist: read, SELECT, 2 rows
  came out  training.born training.person training.zip
END

claim "the new table has labels of its own: a token is no longer an ssn, a ZIP code still is one" <<'SQL'
SELECT string_agg(column_name || '=' || category, ' ' ORDER BY column_name) = 'born=date gender=quasi person=token zip=geo'
  FROM phiguard.data_dictionary WHERE relation = 'training';
SQL

way="10 write"
tell "10. A write that shows what it wrote."
show dr_grey <<'SQL'
UPDATE patient SET address = '1 New Street' WHERE last_name = 'Mante251' RETURNING first_name, address;
SQL
on_record <<'END'
dr_grey: write, UPDATE, 1 row
  came out  patient.address patient.first_name
  steered   patient.last_name
  stored    patient.address
END
