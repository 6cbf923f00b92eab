-- What a session remembers of a statement (its text, its definition) is what it would find again.
CREATE EXTENSION phiguard;
SELECT coalesce(max("position"), 0) AS begun FROM phiguard.access_log \gset
CREATE SCHEMA clinic;
CREATE TABLE clinic.patient (id int, ssn text, zip text, other text);
CREATE TABLE clinic.guest (id int, ssn text, zip text, other text);
CREATE VIEW roster AS SELECT * FROM clinic.patient;
CREATE FUNCTION part(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left($1, 3)';
CREATE FUNCTION part(text, int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left($1, $2)';
SELECT phiguard.label('clinic.patient', 'ssn', 'ssn'), phiguard.label('clinic.patient', 'zip', 'geo kind=zip'), phiguard.label('clinic.guest', 'ssn', 'ssn');
SELECT phiguard.register_transform('part(text)', 'generalisation', 'quasi', '{geo}');
\a
\t

-- Twice without a change, then once after each change: names are those of the time.
SELECT * FROM roster WHERE id = 1;
SELECT * FROM roster WHERE id = 2;
ALTER TABLE clinic.patient RENAME COLUMN ssn TO number;
SELECT * FROM roster WHERE id = 3;
ALTER TABLE clinic.patient RENAME TO person;
SELECT * FROM roster WHERE id = 4;
ALTER SCHEMA clinic RENAME TO ward;
SELECT * FROM roster WHERE id = 5;
SET quote_all_identifiers = on;
SELECT * FROM roster WHERE id = 6;
RESET quote_all_identifiers;
SELECT phiguard.label('ward.person', 'other', 'note');
SELECT * FROM roster WHERE id = 7;
CREATE OR REPLACE VIEW roster AS SELECT id, ssn, zip, other FROM ward.guest;
SELECT * FROM roster WHERE id = 8;
BEGIN;
ALTER TABLE ward.guest RENAME COLUMN ssn TO undone;
SELECT * FROM roster WHERE id = 9;
ROLLBACK;
SELECT * FROM roster WHERE id = 10;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
UPDATE ward.guest SET zip = 'x' WHERE id = 1;
CREATE TRIGGER t BEFORE UPDATE ON ward.guest FOR EACH ROW EXECUTE FUNCTION f();
UPDATE ward.guest SET zip = 'y' WHERE id = 2;
-- Forms, too.
SELECT part(zip) FROM ward.person;
SELECT part(zip) FROM ward.person;
CREATE VIEW short AS SELECT part(zip) FROM ward.person;
SELECT * FROM short;
ALTER FUNCTION part(text) RENAME TO first_part;
SELECT * FROM short;

-- The same words mean other things: a column that is there, a type of a constant, an alias.
SELECT ssn AS extra FROM ward.guest WHERE id = 1;
SELECT ssn AS extra FROM ward.guest WHERE id = 2;
ALTER TABLE ward.guest ADD COLUMN extra int;
SELECT ssn AS extra FROM ward.guest WHERE id = 3;
SELECT ssn AS int8 FROM ward.guest WHERE id = 4;
SELECT ssn AS int8 FROM ward.guest WHERE id = 5000000000;
SELECT ssn AS int8 FROM ward.guest WHERE id = 6;
SELECT ssn AS source FROM ward.guest AS source WHERE source.id = 7;
SELECT ssn AS source FROM ward.guest AS source WHERE source.id = 8;
SELECT u."ssn" FROM ward.guest u WHERE ssn = U&'d!0061t' UESCAPE '!' AND id IN (1, -2, 3);
SELECT u."ssn" FROM ward.guest u WHERE ssn = U&'d!0062t' UESCAPE '?' AND id IN (4, -5, 6);
SELECT u."ssn" FROM ward.guest u WHERE ssn = U&'d!0062t' AND id IN (4, -5, 6);
SELECT u."ssn" FROM ward.guest u WHERE ssn = U&'d!0062t' AND id IN (4, -5, +6);
SELECT u."ssn" FROM ward.guest u WHERE ssn = U&'d!0062t' AND id IN (4, -5, -6);
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT ssn FROM ward.guest WHERE ssn = 'a\' OR ssn = ' AND id = 9;
SELECT ssn FROM ward.guest WHERE ssn = 'b' AND id = 9;
RESET standard_conforming_strings;
RESET escape_string_warning;

SELECT row_number() OVER (ORDER BY "position") AS n, array_to_string(returned, ' ') AS returned, array_to_string(referenced, ' ') AS referenced, array_to_string(stored, ' ') AS stored,
	array_to_string(shown, ' ') AS shown, array_to_string(categories, ' ') AS categories, array_to_string(flags, ' ') AS flags, query
  FROM phiguard.access_log WHERE database = current_database() AND "position" > :begun AND kind IN ('read', 'write') ORDER BY "position";
-- One fingerprint, one text.
SELECT fingerprint FROM phiguard.access_log WHERE database = current_database() GROUP BY 1 HAVING count(DISTINCT query) > 1;

DROP VIEW short, roster;
DROP SCHEMA ward CASCADE;
DROP FUNCTION f;
DROP EXTENSION phiguard;
