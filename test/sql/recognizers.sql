-- Recognizers and terms of the user's own.
CREATE EXTENSION phiguard;
CREATE ROLE regress_phig_reader;
CREATE FUNCTION show(text) RETURNS TABLE (span text, category text, kind text, recognizer text, score real) LANGUAGE sql AS
$$ SELECT substring($1 FROM start FOR length), category, kind, recognizer, score FROM phiguard.detect($1) $$;

-- A pattern, a context word, a check.
INSERT INTO phiguard.recognizers (name, pattern, category, kind, score, context) VALUES
    ('study_code', '\bÄQ-\d{3}[a-zé]', 'other', 'trial', 0.3, '{study, enrolled}');
SELECT * FROM show('enrolled as ÄQ-123é today');
SELECT * FROM show('ÄQ-123é');
INSERT INTO phiguard.recognizers (name, pattern, category, kind, validator) VALUES
    ('npi_bare', '\b[12]\d{9}\b', 'license', 'npi', 'npi');
SELECT * FROM show('1234567893 and 1234567890');
-- Turned off, and one of phiguard's replaced.
UPDATE phiguard.recognizers SET enabled = false WHERE name = 'npi_bare';
SELECT * FROM show('1234567893 and 1234567890');
INSERT INTO phiguard.recognizers (name, enabled) VALUES ('email', false);
SELECT * FROM show('a@example.org');
DELETE FROM phiguard.recognizers WHERE name = 'email';
SELECT * FROM show('a@example.org');

-- Terms.
INSERT INTO phiguard.detection_terms VALUES ('deny', 'Blue  Heron-7', 'other', NULL), ('allow', 'nobody@example.org', NULL, NULL);
SELECT * FROM show('the BLUE HERON-7 group, and the blue heron; nobody@example.org, somebody@example.org');
TRUNCATE phiguard.detection_terms;
SELECT * FROM show('the BLUE HERON-7 group; nobody@example.org');

-- What could not be used is refused, with the place and the reason.
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('bad', 'äöü(\d{3', 'other');
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('bad', 'x', 'nonsense');
INSERT INTO phiguard.recognizers (name, pattern, category, kind) VALUES ('bad', 'x', 'ssn', 'npi');
INSERT INTO phiguard.recognizers (name, pattern, category, validator) VALUES ('bad', 'x', 'ssn', 'luhn');
INSERT INTO phiguard.recognizers (name, category) VALUES ('bad', 'ssn');
INSERT INTO phiguard.recognizers (name, pattern, category, score) VALUES ('bad', 'x', 'ssn', 1.5);
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('bad', repeat('x', 5000), 'ssn');
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('bad', '\C', 'ssn');
INSERT INTO phiguard.detection_terms VALUES ('grey', 'x', 'other', NULL);
INSERT INTO phiguard.detection_terms VALUES ('deny', '  ', 'other', NULL);
INSERT INTO phiguard.detection_terms VALUES ('deny', 'x', NULL, NULL);
SELECT name FROM phiguard.recognizers ORDER BY name;

-- One that needs too many steps is stopped, and nothing passes for decided.
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('slow', '(?:a+)+$', 'other');
SELECT * FROM show(repeat('a', 100) || 'b');
SELECT * FROM show('no such letter');
DELETE FROM phiguard.recognizers WHERE name = 'slow';
SELECT * FROM show(repeat('a', 100) || 'b');
-- Nor does an empty match loop.
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('empty', 'x*', 'other');
SELECT * FROM show('axxb');
DELETE FROM phiguard.recognizers;

-- For the officer; whoever searches needs no right to see them.
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('word', 'quokka', 'other');
SET ROLE regress_phig_reader;
SELECT * FROM show('a quokka');
SELECT count(*) FROM phiguard.recognizers;
SELECT count(*) FROM phiguard.detection_terms;
INSERT INTO phiguard.recognizers (name, pattern, category) VALUES ('mine', 'x', 'other');
UPDATE phiguard.recognizers SET enabled = false;
INSERT INTO phiguard.detection_terms VALUES ('allow', 'x');
TRUNCATE phiguard.recognizers;
RESET ROLE;
-- A change is seen in the transaction, and undone with it.
BEGIN;
UPDATE phiguard.recognizers SET pattern = 'wombat';
SELECT * FROM show('a quokka and a wombat');
ROLLBACK;
SELECT * FROM show('a quokka and a wombat');

DROP ROLE regress_phig_reader;
