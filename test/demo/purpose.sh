step "5. The same query, under three purposes" \
	"The officer says who may see what for which purpose, and the server is told to hold to it: phiguard.mode = enforce." \
	"Nobody's privileges change, no view is made, and no application."

sql postgres -c 'DROP TABLE training'
tell "What treatment, billing and research see:"
show privacy <<'SQL'
SELECT phiguard.create_key('readmission');
SELECT phiguard.create_purpose('treatment', code => 'TREAT', otherwise => 'clear', description => 'Care of our patients');
SELECT phiguard.create_purpose('billing', code => 'HPAYMT', otherwise => 'null', description => 'Invoices'),
       phiguard.allow('billing', category => 'name'), phiguard.allow('billing', category => 'geo'),
       phiguard.allow('billing', category => 'date', transform => 'year'), phiguard.allow('billing', category => 'ssn', transform => 'mask(4)'),
       phiguard.allow('billing', category => 'quasi');
SELECT phiguard.create_purpose('readmission', code => 'HRESCH', otherwise => 'deny', basis => 'IRB 2026-114', description => 'Readmission risk model'),
       phiguard.allow('readmission', category => 'name', transform => 'mask'),
       phiguard.allow('readmission', category => 'date', transform => 'year'),
       phiguard.allow('readmission', category => 'geo', kind => 'zip', transform => 'zip3'),
       phiguard.allow('readmission', category => 'ssn', transform => 'token'), phiguard.allow('readmission', category => 'quasi');
SELECT phiguard.grant_purpose('treatment', 'dr_grey'), phiguard.grant_purpose('billing', 'billing'),
       phiguard.grant_purpose('readmission', 'scientist', expires => '2037-01-01');
SQL
sql postgres <<'SQL'
GRANT SELECT ON patient TO billing;
ALTER SYSTEM SET phiguard.mode = enforce;
SELECT FROM pg_reload_conf(), pg_sleep(0.5);
SQL

way="11 three purposes"
for purpose in dr_grey/treatment billing/billing scientist/readmission; do
	tell "Purpose ${purpose#*/}:"
	show "${purpose%/*}" <<SQL
SET phiguard.purpose = '${purpose#*/}';
SELECT last_name, birth_date, zip, gender, ssn FROM patient WHERE gender = 'F' AND state = 'Massachusetts' LIMIT 2;
SQL
done
on_record <<'END'
dr_grey: read, SELECT, 2 rows
  came out  patient.birth_date patient.gender patient.last_name patient.ssn patient.zip
billing: read, SELECT, 2 rows
  came out  patient.birth_date patient.gender patient.last_name patient.ssn patient.zip
scientist: read, SELECT, 2 rows
  came out  patient.birth_date patient.gender patient.last_name patient.ssn patient.zip
END
claim "the record says in what form, and for which purpose" <<'SQL'
SELECT array_agg(purpose || ': ' || array_to_string(shown, ' ') ORDER BY position) = '{treatment: public.patient.birth_date=clear public.patient.gender=clear public.patient.last_name=clear public.patient.ssn=clear public.patient.zip=clear,billing: public.patient.birth_date=year public.patient.gender=clear public.patient.last_name=clear public.patient.ssn=mask public.patient.zip=clear,readmission: public.patient.birth_date=year public.patient.gender=clear public.patient.last_name=mask public.patient.ssn=token public.patient.zip=zip3}'
  FROM phiguard.access_log WHERE application = '11 three purposes';
SQL

tell "What a purpose does not show is refused, with how to ask for it; and so is whoever names no purpose:"
show scientist <<'SQL'
SET phiguard.purpose = 'readmission';
SELECT address FROM patient;
RESET phiguard.purpose;
SELECT count(*) FROM patient;
SQL

tell "What a role sees, and by which rule:"
show scientist <<'SQL'
SELECT * FROM phiguard.my_access WHERE relation = 'patient' AND column_name IN ('ssn', 'zip', 'address');
SQL

claim "both refusals are on record" <<'SQL'
SELECT count(*) = 2 FROM phiguard.access_log WHERE application = '11 three purposes' AND kind = 'denied';
SQL

tell "The rest of the tour goes on in mode audit, which restricts nobody."
sql postgres <<'SQL'
ALTER SYSTEM RESET phiguard.mode;
SELECT FROM pg_reload_conf(), pg_sleep(0.5);
SQL
