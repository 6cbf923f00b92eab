step "2. The privacy officer says what is PHI" \
	"Columns of PHI types have their labels already.  The officer labels the rest without owning a single table; what" \
	"she has looked at and found harmless becomes 'none'."

show privacy <<'SQL'
SELECT count(phiguard.label(t, c, l)) AS labelled FROM (VALUES
   ('patient'::regclass, NULL::name, 'subject=id'),
   ('patient', 'lat', 'geo kind=point'), ('patient', 'lon', 'geo kind=point'),
   ('patient', 'race', 'quasi'), ('patient', 'ethnicity', 'quasi'), ('patient', 'gender', 'quasi'),
   ('encounter', 'id', 'other'), ('encounter', 'patient', 'other'),
   ('encounter', 'start', 'date kind=event'), ('encounter', 'stop', 'date kind=event'),
   ('encounter', 'description', 'clinical'), ('encounter', 'reason', 'clinical'),
   ('condition', 'patient', 'other'), ('condition', 'encounter', 'other'),
   ('condition', 'start', 'date kind=event'), ('condition', 'stop', 'date kind=event'),
   ('condition', 'code', 'clinical'), ('condition', 'description', 'clinical conf=R sens=ETH,HIV,PSY'),
   ('readmission', 'encounter_id', 'other'), ('readmission', 'patient_nbr', 'mrn'),
   ('readmission', 'age', 'age'), ('readmission', 'race', 'quasi'), ('readmission', 'gender', 'quasi'),
   ('readmission', 'diag_1', 'clinical'), ('readmission', 'readmitted', 'clinical')) v (t, c, l);
SELECT phiguard.review('patient') AS reviewed;
SELECT category, label_source, count(*), string_agg(column_name, ' ' ORDER BY column_name) AS columns
  FROM phiguard.data_dictionary WHERE relation = 'patient' GROUP BY 1, 2 ORDER BY 1, 2;
SQL
claim "every column of patient has a label, most of them from the column's type" <<'SQL'
SELECT bool_and(category IS NOT NULL) AND count(*) FILTER (WHERE label_source = 'type') > 12
  FROM phiguard.data_dictionary WHERE relation = 'patient';
SQL

tell "A label that is none is refused, with what would be one:"
show privacy <<'SQL'
SELECT phiguard.label('patient', 'coverage', 'money');
SQL
