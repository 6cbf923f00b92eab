-- Detection: what identifies a person in a text.

CREATE FUNCTION phiguard.detect(value text,
    OUT start integer, OUT length integer, OUT category text, OUT kind text, OUT recognizer text, OUT score real) RETURNS SETOF record
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 20
    AS 'MODULE_PATHNAME', 'phiguard_detect';
REVOKE ALL ON FUNCTION phiguard.detect(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.detect(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.detect(text) IS
'The identifiers that a text holds, a row each, in order and without overlap: start and length in characters, so that substring(value from start for length) is one.
category and kind are words of labels, recognizer says how it was found, score from 0.5 to 1 how sure that is. Recognizers of phiguard itself and of phiguard.recognizers, terms of phiguard.detection_terms.
NULL in, no row out. Raises 54000 where a pattern of phiguard.recognizers needs too many steps. It finds most, not all: docs/detection-quality.md. Source: 45 CFR 164.514(b)(2)(i).';

CREATE FUNCTION phiguard.detect(value text, min_score real,
    OUT start integer, OUT length integer, OUT category text, OUT kind text, OUT recognizer text, OUT score real) RETURNS SETOF record
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 20
    AS 'MODULE_PATHNAME', 'phiguard_detect_above';
REVOKE ALL ON FUNCTION phiguard.detect(text, real) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.detect(text, real) TO PUBLIC;
COMMENT ON FUNCTION phiguard.detect(text, real) IS
'As phiguard.detect(text), with what has at least this score: 0 shows every guess.
Raises 22023 for a score that is not between 0 and 1.';

CREATE FUNCTION phiguard.recognizers_allowed() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_recognizers_allowed';
REVOKE ALL ON FUNCTION phiguard.recognizers_allowed() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.recognizers_allowed() IS
'Trigger before statements that write phiguard.recognizers and phiguard.detection_terms: for the officer. Internal. Raises 42501.';

CREATE FUNCTION phiguard.recognizer_checked() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_recognizer_checked';
REVOKE ALL ON FUNCTION phiguard.recognizer_checked() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.recognizer_checked() IS
'Trigger of phiguard.recognizers: refuses what could not be used. Internal. Raises 2201B for a pattern, with the place and the reason, 22023 for unknown words.';

CREATE FUNCTION phiguard.term_checked() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_term_checked';
REVOKE ALL ON FUNCTION phiguard.term_checked() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.term_checked() IS
'Trigger of phiguard.detection_terms: refuses what could not be used. Internal. Raises 22023.';

CREATE FUNCTION phiguard.recognizers_changed() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_recognizers_changed';
REVOKE ALL ON FUNCTION phiguard.recognizers_changed() FROM PUBLIC;
COMMENT ON FUNCTION phiguard.recognizers_changed() IS
'Trigger of phiguard.recognizers and phiguard.detection_terms: all sessions read them anew. Internal.';

CREATE FUNCTION phiguard.is_officer() RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_is_officer';
REVOKE ALL ON FUNCTION phiguard.is_officer() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.is_officer() TO PUBLIC;
COMMENT ON FUNCTION phiguard.is_officer() IS
'Whether the current role is a privacy officer: a superuser or a member of phiguard.officer_role.';

CREATE TABLE phiguard.recognizers (
    name      text COLLATE "C" PRIMARY KEY,
    pattern   text,
    category  text,
    kind      text,
    score     real NOT NULL DEFAULT 0.6 CHECK (score > 0 AND score <= 1),
    context   text[],
    validator text,
    enabled   boolean NOT NULL DEFAULT true
);
REVOKE ALL ON phiguard.recognizers FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON phiguard.recognizers TO PUBLIC;
ALTER TABLE phiguard.recognizers ENABLE ROW LEVEL SECURITY;
CREATE POLICY officer ON phiguard.recognizers USING (phiguard.is_officer());
COMMENT ON POLICY officer ON phiguard.recognizers IS 'For the officer.';
SELECT pg_catalog.pg_extension_config_dump('phiguard.recognizers', '');
COMMENT ON TABLE phiguard.recognizers IS
'Recognizers of this database''s own, beside those of phiguard; a row with the name of one of phiguard''s takes its place. For the officer, to be written by SQL.';
COMMENT ON COLUMN phiguard.recognizers.name IS 'As phiguard.detect() reports it.';
COMMENT ON COLUMN phiguard.recognizers.pattern IS 'Regular expression (PCRE2) that all of a value matches, searched for in the text as it is. NULL only for a recognizer of phiguard itself.';
COMMENT ON COLUMN phiguard.recognizers.category IS 'What a match is.';
COMMENT ON COLUMN phiguard.recognizers.kind IS 'A kind of the category, or NULL.';
COMMENT ON COLUMN phiguard.recognizers.score IS 'Of a match by itself; 0.5 is enough to be reported.';
COMMENT ON COLUMN phiguard.recognizers.context IS 'Single words that raise the score by 0.35 when one of them stands shortly before the match, or right behind it.';
COMMENT ON COLUMN phiguard.recognizers.validator IS
'Check that a match must pass unless a context word speaks for it: card, dea, email, imei, mac, mbi, npi, phone, routing, ssn, udi, url, vin or zip.';
COMMENT ON COLUMN phiguard.recognizers.enabled IS 'Whether it counts.';

CREATE TABLE phiguard.detection_terms (
    list     text COLLATE "C" NOT NULL,
    term     text COLLATE "C" NOT NULL,
    category text,
    kind     text,
    PRIMARY KEY (list, term)
);
REVOKE ALL ON phiguard.detection_terms FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON phiguard.detection_terms TO PUBLIC;
ALTER TABLE phiguard.detection_terms ENABLE ROW LEVEL SECURITY;
CREATE POLICY officer ON phiguard.detection_terms USING (phiguard.is_officer());
COMMENT ON POLICY officer ON phiguard.detection_terms IS 'For the officer.';
SELECT pg_catalog.pg_extension_config_dump('phiguard.detection_terms', '');
COMMENT ON TABLE phiguard.detection_terms IS
'Words that phiguard.detect() always reports, and findings that it never does. For the officer, to be written by SQL.';
COMMENT ON COLUMN phiguard.detection_terms.list IS 'deny: always reported, with score 1; allow: a finding of exactly this text is none.';
COMMENT ON COLUMN phiguard.detection_terms.term IS 'One or more words or numbers; letter case, accents and the width of spaces do not count.';
COMMENT ON COLUMN phiguard.detection_terms.category IS 'What a term of the list deny is.';
COMMENT ON COLUMN phiguard.detection_terms.kind IS 'A kind of the category, or NULL.';

CREATE TRIGGER allowed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.recognizers
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.recognizers_allowed();
CREATE TRIGGER checked BEFORE INSERT OR UPDATE ON phiguard.recognizers
    FOR EACH ROW EXECUTE FUNCTION phiguard.recognizer_checked();
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.recognizers
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.recognizers_changed();
CREATE TRIGGER allowed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.detection_terms
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.recognizers_allowed();
CREATE TRIGGER checked BEFORE INSERT OR UPDATE ON phiguard.detection_terms
    FOR EACH ROW EXECUTE FUNCTION phiguard.term_checked();
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON phiguard.detection_terms
    FOR EACH STATEMENT EXECUTE FUNCTION phiguard.recognizers_changed();

-- Last: commands over a labelled table are on record, and the extension has to come also where no record can be written.
SECURITY LABEL FOR phiguard ON COLUMN phiguard.detection_terms.term IS 'other';
