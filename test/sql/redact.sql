-- Redaction: what is put in place of identifiers, and what that is called.
SET client_min_messages = error;
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_redactor;
CREATE TABLE visit (id int, note text);
INSERT INTO visit VALUES
    (1, 'Patient: Marianne Mcduffie, MRN: 24219489, DOB 3 Dec 1936. Mcduffie was seen on 6/8/15 at 14:30. Call (810) 555-0128, SSN 219-09-1234.'),
    (2, 'Marianne MCDUFFIE of 217 Mill Blvd Apt 4, Hartford, CT 06101; mail to marianne@example.net from 203.0.113.7, see https://portal.example.net/p/1'),
    (3, 'BP 120/80, 2 tabs, no complaints.'),
    (4, NULL);

SELECT phiguard.redact(note) FROM visit ORDER BY id;
SELECT phiguard.redact(note, 'mask') FROM visit ORDER BY id;
-- A mask keeps lengths, in characters.
SELECT length(phiguard.redact(t, 'mask')) = length(t) AS same, phiguard.redact(t, 'mask') FROM (VALUES ('Dr. José Ñandú-Álvarez, SSN ２１９-０９-１２３４')) v(t);

-- Surrogates: nothing of the identifiers is left, what is none stays, and a text is the same each time.
CREATE TABLE surrogate AS SELECT id, note, phiguard.redact(note, 'surrogate') AS result FROM visit;
SELECT id, result ~* 'marianne|mcduffie|24219489|Mill Blvd Apt 4|hartford|06101|0128|219-09|203\.0|portal|3 Dec|6/8' AS leaks,
       result = phiguard.redact(note, 'surrogate') AS repeats, length(result) > 0 AS something FROM surrogate ORDER BY id;
SELECT result FROM surrogate WHERE id = 3;
-- A surname becomes what it became before, the year of a date stays, forms do.
SELECT (regexp_match(result, 'Patient: \w+ (\w+),'))[1] = (regexp_match(result, '\. (\w+) was seen'))[1] AS same_name,
       result ~ 'DOB \d \w{3} 1936\. ' AS birth, result ~ 'on \d/\d/15 at \d\d:\d\d\.' AS seen,
       result ~ 'Call \(\d{3}\) 555-01\d\d, SSN \d{3}-\d\d-\d{4}\.$' AS numbers, result ~ 'MRN: \d{8},' AS mrn FROM surrogate WHERE id = 1;
SELECT phiguard.redact('a 95-year-old', 'surrogate');
-- The year stays, a time of day in four digits does not.
SELECT result ~ '^on \d{1,2}-\d{1,2}-15 @ \d{4}, \d{1,2} \w+ 2019 \d{4}\.$' AS form, result ~ '1430|0745' AS times
  FROM phiguard.redact('on 3-16-15 @ 1430, 8 May 2019 0745.', 'surrogate') result;

-- Digits that are no ASCII, months in other letters and holidays are replaced, too.
SELECT phiguard.redact(t), phiguard.redact(t, 'surrogate') ~ U&'[\FF10-\FF19\0660-\0669]|\041Carch|Christmas' AS leaks
  FROM (VALUES (U&'call \FF16\FF11\FF17-\FF15\FF15\FF15-\FF10\FF11\FF14\FF12'), (U&'on \FF13/\FF11\FF14/\FF12\FF10\FF11\FF19'), (U&'on \041Carch 14, 2019'),
		('since Christmas 2021'), (U&'SSN \0662\0661\0669-\0660\0669-\0661\0662\0663\0664')) v(t);

-- A place whose name is made of kinds of places only is another one, too.
SELECT phiguard.redact(t), phiguard.redact(t, 'surrogate') ~ 'Mercy|University|Lake|Broadway|Church|May|44' AS leaks, phiguard.redact(t, 'surrogate') ~ kept AS kept
  FROM (VALUES ('seen at Mercy General Hospital', 'Hospital$'), ('44 North Lake Drive', 'North \w+ Drive$'), ('44 Broadway', '\w$'),
		('44 Church St', '\w+ St$'), ('44 May Street', '\w+ Street$')) v(t, kept);

-- Words before and behind names stay, but for those that are the name.
SELECT phiguard.redact(t), phiguard.redact(t, 'surrogate') ~ '\m(Le|Judge|Ann|Berg)\M' AS leaks, phiguard.redact(t, 'surrogate') ~ kept AS kept
  FROM (VALUES ('seen by Dr. Le today', 'Dr'), ('Dr. Ann van der Berg, Jr. came', 'van der \w+, Jr')) v(t, kept);

-- Keyed: the same in all texts of a subject, and other ones for another subject.
SELECT phiguard.create_key('study');
CREATE FUNCTION surname(text) RETURNS text LANGUAGE sql AS $$ SELECT (regexp_match($1, 'Dr\. (\w+)'))[1] $$;
SELECT surname(phiguard.redact('Dr. Beeler', 'surrogate', 's1', 'study')) = surname(phiguard.redact('seen by Ann Poe and by Dr. Beeler', 'surrogate', 's1', 'study')) AS same,
       (SELECT count(DISTINCT surname(phiguard.redact('Dr. Beeler', 'surrogate', 's' || i, 'study'))) > 10 FROM generate_series(1, 40) i) AS others,
       phiguard.redact('Dr. Beeler', 'tag', 's1', 'study') AS tag;
GRANT USAGE ON SCHEMA phiguard TO regress_phig_redactor;
GRANT EXECUTE ON FUNCTION phiguard.redact(text, text, text, text) TO regress_phig_redactor;
SET ROLE regress_phig_redactor;
SELECT phiguard.redact('Dr. Beeler', 'surrogate', 's1', 'study');
SELECT phiguard.redact('Dr. Beeler', 'surrogate') <> 'Dr. Beeler' AS public;
RESET ROLE;

SELECT phiguard.redact('x', 'blur');

-- A redacted note is still a note, in labels of what is made from it.
SELECT phiguard.label('visit', 'note', 'note');
CREATE TABLE copy AS SELECT id, phiguard.redact(note) AS a, phiguard.redact(note, 'surrogate') AS b, length(note) AS c FROM visit;
SELECT column_name, label FROM phiguard.labels WHERE relation::text = 'copy' ORDER BY column_name;
SELECT name, form, categories, result, reversible, methods, valid FROM phiguard.transforms WHERE name = 'redact' ORDER BY function COLLATE "C";

DROP OWNED BY regress_phig_redactor;
DROP ROLE regress_phig_redactor;
