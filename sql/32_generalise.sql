-- Generalisations: what Safe Harbor lets stay of dates, ages and ZIP codes; and masks.

CREATE FUNCTION phiguard.year(value date) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_year_date';
REVOKE ALL ON FUNCTION phiguard.year(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.year(date) TO PUBLIC;
COMMENT ON FUNCTION phiguard.year(date) IS
'The year of a date, as extract(year) gives it: 1 BC is -1.
NULL in, NULL out. Raises 22008 on infinity. For a birth use phiguard.birth_year(): a year must not show an age over 89.
Source: 45 CFR 164.514(b)(2)(i)(C).';

CREATE FUNCTION phiguard.year(value timestamp) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_year_timestamp';
REVOKE ALL ON FUNCTION phiguard.year(timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.year(timestamp) TO PUBLIC;
COMMENT ON FUNCTION phiguard.year(timestamp) IS
'The year of a timestamp, as extract(year) gives it: 1 BC is -1.
NULL in, NULL out. Raises 22008 on infinity. For a birth use phiguard.birth_year(): a year must not show an age over 89.
Source: 45 CFR 164.514(b)(2)(i)(C).';

CREATE FUNCTION phiguard.year(value timestamptz) RETURNS integer
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_year_timestamptz';
REVOKE ALL ON FUNCTION phiguard.year(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.year(timestamptz) TO PUBLIC;
COMMENT ON FUNCTION phiguard.year(timestamptz) IS
'The year of a moment in the time zone of the session (hence stable), as extract(year) gives it: 1 BC is -1.
NULL in, NULL out. Raises 22008 on infinity. For a birth use phiguard.birth_year(): a year must not show an age over 89.
Source: 45 CFR 164.514(b)(2)(i)(C).';

CREATE FUNCTION phiguard.birth_year(birth date, as_of date) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_birth_year';
REVOKE ALL ON FUNCTION phiguard.birth_year(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.birth_year(date, date) TO PUBLIC;
COMMENT ON FUNCTION phiguard.birth_year(date, date) IS
'The year of birth; where the years of the two dates are 90 or more apart, the year 90 before as_of, which then means "that year or before".
as_of is the latest date released of the person, and today if the person may be alive: born 1910, as of 2010, gives 1920.
Years alone count, also before the birthday of the year. NULL in, NULL out. Raises 22023 where as_of is before birth, 22008 on infinity.
Source: 45 CFR 164.514(b)(2)(i)(C); HHS guidance on de-identification (2012).';

CREATE FUNCTION phiguard.age_90(age integer) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_age_90';
REVOKE ALL ON FUNCTION phiguard.age_90(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.age_90(integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.age_90(integer) IS
'An age in years, 0 to 89; 90 stands for every age of 90 or more.
NULL in, NULL out. Raises 22023 on a negative age. Source: 45 CFR 164.514(b)(2)(i)(C).';

CREATE FUNCTION phiguard.age_90(birth date, as_of date) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_age_90_as_of';
REVOKE ALL ON FUNCTION phiguard.age_90(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.age_90(date, date) TO PUBLIC;
COMMENT ON FUNCTION phiguard.age_90(date, date) IS
'The age at as_of in full years, as extract(year from age(as_of, birth)) gives it, 0 to 89; 90 stands for every age of 90 or more.
NULL in, NULL out. Raises 22023 where as_of is before birth, 22008 on infinity.
With a year of birth or of an event beside it use phiguard.birth_year() for that. Source: 45 CFR 164.514(b)(2)(i)(C).';

CREATE FUNCTION phiguard.age_90(birth date) RETURNS integer
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_age_90_today';
REVOKE ALL ON FUNCTION phiguard.age_90(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.age_90(date) TO PUBLIC;
COMMENT ON FUNCTION phiguard.age_90(date) IS
'phiguard.age_90(birth, current_date): in the time zone of the session, hence stable.
NULL in, NULL out. Raises 22023 where birth is in the future, 22008 on infinity. Source: 45 CFR 164.514(b)(2)(i)(C).';

CREATE FUNCTION phiguard.zip3(zip text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_zip3';
REVOKE ALL ON FUNCTION phiguard.zip3(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.zip3(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.zip3(text) IS
'The first three digits of a US ZIP code, or 000 where 20,000 people or fewer share them, or an unknown number.
Accepted: 5 digits, 9 digits, 5 and 4 with a hyphen; 3 or 4 digits, which are padded with zeros on the left to 5 (ZIP codes that were in a column of numbers); spaces around.
By the vintage union: what Census 2020 releases and neither Census 2010 nor the 17 prefixes that HHS printed for Census 2000 restrict; see phiguard.zip3_prefixes.
NULL in, NULL out. Raises 22023 on other text. A newer phiguard may bring newer numbers: reindex what is indexed by it then.
Source: 45 CFR 164.514(b)(2)(i)(B); Census 2010, Census 2020 (DHC, table P1), 67 FR 53182.';

CREATE FUNCTION phiguard.zip3(zip text, vintage text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_zip3_vintage';
REVOKE ALL ON FUNCTION phiguard.zip3(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.zip3(text, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.zip3(text, text) IS
'The first three digits of a US ZIP code, or 000 where by the vintage 20,000 people or fewer share them, or an unknown number.
Accepted: 5 digits, 9 digits, 5 and 4 with a hyphen; 3 or 4 digits, which are padded with zeros on the left to 5 (ZIP codes that were in a column of numbers); spaces around.
Vintages: census2010, census2020, union (the one of zip3(zip)). Census 2000 is none: of it there is only a list of what may not be released.
NULL in, NULL out. Raises 22023 on other text and on an unknown vintage. The rule asks for current data: census2010 is for comparison.
Source: 45 CFR 164.514(b)(2)(i)(B); Census 2010, Census 2020 (DHC, table P1), 67 FR 53182.';

CREATE FUNCTION phiguard.zip3(zip integer) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_zip3_integer';
REVOKE ALL ON FUNCTION phiguard.zip3(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.zip3(integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.zip3(integer) IS
'phiguard.zip3(zip::text), for ZIP codes in a column of numbers: 3 and 4 digits are padded with zeros on the left to 5.
NULL in, NULL out. Raises 22023 on negative numbers, and on other than 3, 4, 5 or 9 digits. Source: 45 CFR 164.514(b)(2)(i)(B).';

CREATE FUNCTION phiguard.zip3_list(
    OUT prefix text, OUT vintage text, OUT population integer, OUT released boolean) RETURNS SETOF record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 2700
    AS 'MODULE_PATHNAME', 'phiguard_zip3_list';
REVOKE ALL ON FUNCTION phiguard.zip3_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.zip3_list() TO PUBLIC;
COMMENT ON FUNCTION phiguard.zip3_list() IS
'What the view phiguard.zip3_prefixes is made of. Raises nothing.';

CREATE VIEW phiguard.zip3_prefixes AS
SELECT prefix, vintage, population, released FROM phiguard.zip3_list();
REVOKE ALL ON phiguard.zip3_prefixes FROM PUBLIC;
GRANT SELECT ON phiguard.zip3_prefixes TO PUBLIC;
COMMENT ON VIEW phiguard.zip3_prefixes IS
'The prefixes of US ZIP codes that phiguard.zip3() knows, by vintage. One that is not here becomes 000. Source: 45 CFR 164.514(b)(2)(i)(B).';
COMMENT ON COLUMN phiguard.zip3_prefixes.prefix IS 'First three digits.';
COMMENT ON COLUMN phiguard.zip3_prefixes.vintage IS 'census2010, census2020 or union: the second argument of phiguard.zip3().';
COMMENT ON COLUMN phiguard.zip3_prefixes.population IS 'People by that census, summed over ZIP code tabulation areas; of union, by Census 2020.';
COMMENT ON COLUMN phiguard.zip3_prefixes.released IS 'Whether phiguard.zip3() leaves the prefix as it is: more than 20,000 people, and for union not restricted by Census 2000, 2010 or 2020.';

CREATE FUNCTION phiguard.mask(value text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_mask';
REVOKE ALL ON FUNCTION phiguard.mask(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.mask(text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.mask(text) IS
'Three asterisks, whatever the value and its length.
NULL in, NULL out: whether there is a value shows. Raises nothing.';

CREATE FUNCTION phiguard.mask(value text, keep integer) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'phiguard_mask_keep';
REVOKE ALL ON FUNCTION phiguard.mask(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.mask(text, integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.mask(text, integer) IS
'Three asterisks and the last keep characters, 0 to 8; the asterisks alone where the value has fewer than twice as many. Characters are code points, not bytes.
NULL in, NULL out. Raises 22023 on another keep.
Not for Safe Harbor, which wants no part of an identifier: the last four digits of a social security number are one. Source: 45 CFR 164.514(b)(2)(i).';
