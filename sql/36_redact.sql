-- Redaction: free text without the identifiers that detection finds.

CREATE FUNCTION phiguard.redact(value text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
    AS 'MODULE_PATHNAME', 'phiguard_redact';
REVOKE ALL ON FUNCTION phiguard.redact(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.redact(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.redact(text) IS
'The text with the category in brackets, as [NAME], in place of each identifier that phiguard.detect() finds. As phiguard.redact(value, ''tag'').';

CREATE FUNCTION phiguard.redact(value text, style text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
    AS 'MODULE_PATHNAME', 'phiguard_redact_style';
REVOKE ALL ON FUNCTION phiguard.redact(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.redact(text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.redact(text, text) IS
'The text with something else in place of each identifier that phiguard.detect() finds. Styles: tag, the category in brackets; mask, an asterisk for each character but white space, so that lengths stay;
surrogate, a made-up value of the same form, the same for the same value within the text and not derived from it: dates keep their year, ages over 89 become 90.
NULL in, NULL out. Raises 22023 for another style, and as phiguard.detect(). Not every identifier is found (docs/detection-quality.md): the result is still a note. Source: 45 CFR 164.514(b)(1), (b)(2).';

CREATE FUNCTION phiguard.redact(value text, style text, subject text, domain text DEFAULT 'default') RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
    AS 'MODULE_PATHNAME', 'phiguard_redact_subject';
REVOKE ALL ON FUNCTION phiguard.redact(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION phiguard.redact(text, text, text, text) IS
'As phiguard.redact(text, text), with surrogates that are the same in all texts of a subject: keyed by the domain, as phiguard.token() is, whose grant it needs.
NULL in, NULL out. Raises as phiguard.redact(text, text) and phiguard.token(). Source: RFC 2104; 45 CFR 164.514(b)(1).';

INSERT INTO phiguard.transform_registry (function, name, form, result, categories, kinds, reversible, methods, builtin, source)
SELECT pg_catalog.format('phiguard.redact(%s)', arguments), 'redact', 'redaction', 'note', '{note}', NULL, false, methods::text[], true, source
  FROM (VALUES ('text', '{safe_harbor,expert_determination}', '45 CFR 164.514(b)(1), (b)(2)(ii): what detection did not find is still there'),
               ('text,text', '{safe_harbor,expert_determination}', '45 CFR 164.514(b)(1), (b)(2)(ii): what detection did not find is still there'),
               ('text,text,text,text', '{expert_determination}', '45 CFR 164.514(b)(1): what detection did not find is still there')) v(arguments, methods, source);
