-- What a rule gives a transform besides the value is checked when the rule is written, before any column is reached.
CREATE EXTENSION phiguard;
SET client_min_messages = error;
SELECT phiguard.create_purpose('p', 'HRESCH');
SELECT phiguard.allow('p', category => 'name', transform => 'mask(99)');
SELECT phiguard.allow('p', category => 'name', transform => 'mask(-1)');
SELECT phiguard.allow('p', category => 'name', transform => 'mask(four)');
SELECT phiguard.allow('p', category => 'name', transform => 'mask(4, 5)');
SELECT phiguard.allow('p', category => 'geo', transform => 'zip3(census1790)');
SELECT phiguard.allow('p', category => 'date', transform => 'birth_year(soon)');
SELECT phiguard.allow('p', category => 'date', transform => 'shift_date(p, 0)');
SELECT phiguard.allow('p', category => 'date', transform => 'shift_date(p, many)');
SELECT phiguard.allow('p', category => 'ssn', transform => 'fpe(runes)');
SELECT phiguard.allow('p', category => 'ssn', transform => 'fpe');
SELECT phiguard.allow('p', category => 'ssn', transform => 'token(a, b)');
SELECT phiguard.allow('p', category => 'ssn', transform => 'split');
SELECT count(*) FROM phiguard.rules;
-- Control: these are rules.
SELECT phiguard.allow('p', category => 'name', transform => 'mask(4)');
SELECT phiguard.allow('p', category => 'geo', transform => 'zip3(census2020)');
SELECT phiguard.allow('p', category => 'date', transform => 'shift_date(p, 30)');
SELECT phiguard.allow('p', category => 'age', transform => 'age_90');
SELECT phiguard.allow('p', category => 'date', kind => 'birth', transform => 'birth_year(2026-01-01)');
SELECT phiguard.allow('p', category => 'ssn', transform => 'fpe(ssn)');
SELECT transform FROM phiguard.rules ORDER BY transform COLLATE "C";
DROP EXTENSION phiguard;
