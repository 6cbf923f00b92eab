-- Which rule holds for a column: the most specific one; of several the strictest; sensitivity only tightens.
CREATE EXTENSION phiguard;
SET client_min_messages = warning;
CREATE ROLE regress_phig_reader;
CREATE TABLE chart (a text, b text, c text, d text, e text);
CREATE TABLE sheet (b text, c text);
CREATE VIEW shown AS
SELECT string_agg(format('%s.%s=%s (%s)%s', relation, column_name, shown, because, CASE WHEN writable AND shown <> 'clear' THEN ' writable' END), E'\n' ORDER BY relation, column_name)
  FROM phiguard.access_of('regress_phig_reader'::text::regrole, 'p');
SELECT phiguard.label('chart', v.c, l) FROM (VALUES ('a', 'geo kind=zip'), ('b', 'geo kind=city'), ('c', 'geo'), ('d', 'quasi')) v (c, l);
SELECT phiguard.label('sheet', v.c, l) FROM (VALUES ('b', 'geo kind=city'), ('c', 'geo')) v (c, l);
SELECT phiguard.create_purpose('p', 'HOPERAT', otherwise => 'mask'), phiguard.grant_purpose('p', 'regress_phig_reader');
TABLE shown;

-- From the least to the most specific, each over the one before; no rule of another purpose.
SELECT phiguard.create_purpose('q', 'HOPERAT'), phiguard.allow('q', 'chart', 'a', transform => 'clear');
SELECT phiguard.allow('p', category => 'geo', transform => 'deny');
TABLE shown;
SELECT phiguard.allow('p', category => 'geo', kind => 'city', transform => 'mask');
TABLE shown;
SELECT phiguard.allow('p', 'chart', category => 'geo', transform => 'null');
TABLE shown;
SELECT phiguard.allow('p', 'chart', category => 'geo', kind => 'city', transform => 'clear');
TABLE shown;
SELECT phiguard.allow('p', 'chart', 'b', transform => 'mask(2)', writable => true);
TABLE shown;
-- A column that nobody has labelled can be named.
SELECT phiguard.allow('p', 'chart', 'e', transform => 'clear');
-- What was looked at and is no PHI is clear, whatever the rules say.
SELECT phiguard.label('chart', 'd', 'none'), phiguard.allow('p', 'chart', 'd', transform => 'deny');
TABLE shown;
-- And back.
SELECT phiguard.disallow('p', 'chart', 'b'), phiguard.disallow('p', 'chart', 'e'), phiguard.disallow('p', 'chart', 'd');
SELECT phiguard.disallow('p', 'chart', category => 'geo', kind => 'city');
SELECT phiguard.disallow('p', 'chart', category => 'geo');
TABLE shown;
SELECT phiguard.disallow('p', 'chart', category => 'geo');
SELECT phiguard.disallow('p', 'nobody', category => 'geo');
SELECT phiguard.disallow('p', category => 'geo', kind => 'city'), phiguard.disallow('p', category => 'geo');
TABLE shown;

-- Sensitivity and confidentiality tighten, alone and with a target; a higher confidentiality is at least a lower one.
SELECT phiguard.allow('p', category => 'geo', transform => 'clear');
SELECT phiguard.label('chart', 'a', 'geo kind=zip conf=R'), phiguard.label('chart', 'b', 'geo kind=city sens=HIV,PSY'), phiguard.label('chart', 'c', 'geo conf=V sens=PSY');
TABLE shown;
SELECT phiguard.allow('p', sens => 'PSY', transform => 'clear');
TABLE shown;
SELECT phiguard.allow('p', conf => 'R', transform => 'mask');
TABLE shown;
SELECT phiguard.allow('p', category => 'geo', sens => 'HIV', transform => 'null');
SELECT phiguard.allow('p', 'chart', 'c', conf => 'V', transform => 'deny');
TABLE shown;
-- Of two different transforms nobody can tell which shows less.
SELECT phiguard.disallow('p', conf => 'R'), phiguard.disallow('p', 'chart', 'c', conf => 'V'), phiguard.disallow('p', category => 'geo', sens => 'HIV');
SELECT phiguard.allow('p', 'chart', 'a', transform => 'zip3'), phiguard.allow('p', conf => 'R', transform => 'mask(2)');
TABLE shown;
SELECT phiguard.disallow('p', 'chart', 'a'), phiguard.allow('p', 'chart', 'a', transform => 'mask(2)');
TABLE shown;
SELECT phiguard.disallow('p', conf => 'R'), phiguard.disallow('p', 'chart', 'a'), phiguard.disallow('p', sens => 'PSY');

-- Partitions and children are bound by the rules of what they hang from, and rules cannot name them.
CREATE TABLE event (id int, at date, note text) PARTITION BY RANGE (id);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (10);
CREATE TABLE event_2 (note text, at date, id int);
ALTER TABLE event ATTACH PARTITION event_2 FOR VALUES FROM (10) TO (20);
SELECT phiguard.label('event', v.c, l) FROM (VALUES ('at', 'date'), ('note', 'note')) v (c, l);
SELECT phiguard.allow('p', 'event', 'at', transform => 'year'), phiguard.allow('p', 'event', category => 'note', transform => 'null');
SELECT phiguard.allow('p', 'event_1', 'at', transform => 'clear');
SELECT phiguard.allow_rows('p', 'event_1', 'true');
SELECT phiguard.set_mode('event_1', 'off');
SELECT relation, column_name, shown, because FROM phiguard.access_of('regress_phig_reader', 'p') WHERE relation LIKE 'event%' ORDER BY 1, 2;
-- What a partition is labelled more strictly by holds for what is read through its parent too.
SELECT phiguard.label('event_2', 'at', 'date sens=HIV'), phiguard.allow('p', sens => 'HIV', transform => 'deny');
SELECT relation, column_name, shown, because FROM phiguard.access_of('regress_phig_reader', 'p') WHERE relation LIKE 'event%' AND column_name = 'at' ORDER BY 1, 2;
-- What is taken off takes along what bound it: rules, predicates, the mode.
SELECT phiguard.allow_rows('p', 'event', 'id <> 7 AND event IS NOT NULL', restrictive => true), phiguard.set_mode('event', 'audit');
ALTER TABLE event DETACH PARTITION event_1;
ALTER TABLE event DETACH PARTITION event_2 CONCURRENTLY;
SELECT relation, column_name, shown, because FROM phiguard.access_of('regress_phig_reader', 'p') WHERE relation LIKE 'event%' ORDER BY 1, 2;
SELECT relation, column_name, category, transform, predicate FROM phiguard.rules WHERE relation LIKE 'event_%' ORDER BY 1, 2, 3, 4;
SELECT * FROM phiguard.policy_mode ORDER BY 2;
SELECT * FROM phiguard.verify_policy();
SELECT phiguard.disallow_rows('p', 'event_1'), phiguard.disallow_rows('p', 'event_2'), phiguard.disallow('p', 'event_1', 'at'), phiguard.disallow('p', 'event_1', category => 'note'),
       phiguard.disallow('p', 'event_2', 'at'), phiguard.disallow('p', 'event_2', category => 'note'), phiguard.set_mode('event_1', 'enforce'), phiguard.set_mode('event_2', 'enforce');
ALTER TABLE event ATTACH PARTITION event_1 FOR VALUES FROM (0) TO (10);
-- Two parents: the stricter; what became a child closes what hangs from it, until its rule is gone.
CREATE TABLE mother (x text, y text);
CREATE TABLE father (x text, y text);
CREATE TABLE child () INHERITS (mother, father);
SELECT phiguard.label('mother', 'x', 'quasi'), phiguard.label('father', 'x', 'quasi');
SELECT phiguard.allow('p', 'mother', 'x', transform => 'clear'), phiguard.allow('p', 'father', 'x', transform => 'null');
SELECT relation, column_name, shown, because FROM phiguard.access_of('regress_phig_reader', 'p') WHERE relation IN ('mother', 'father', 'child') AND column_name = 'x' ORDER BY 1, 2;
CREATE TABLE alone () INHERITS (father);
ALTER TABLE alone NO INHERIT father;
SELECT column_name, shown, because FROM phiguard.access_of('regress_phig_reader', 'p') WHERE relation = 'alone' ORDER BY 1;
DROP TABLE alone;
SELECT phiguard.disallow('p', 'public.alone', 'x');
CREATE TABLE ancestor (x text);
ALTER TABLE mother INHERIT ancestor;
SELECT relation, column_name, shown, because FROM phiguard.access_of('regress_phig_reader', 'p') WHERE relation IN ('mother', 'father', 'child') AND column_name = 'x' ORDER BY 1, 2;
SELECT * FROM phiguard.verify_policy();
SELECT phiguard.disallow('p', 'mother', 'x');
SELECT relation, column_name, shown, because FROM phiguard.access_of('regress_phig_reader', 'p') WHERE relation IN ('mother', 'father', 'child') AND column_name = 'x' ORDER BY 1, 2;
SELECT * FROM phiguard.verify_policy();

-- A label that sends a column through a transform that does not fit is refused, however it is set; so is such a rule.
SELECT phiguard.allow('p', category => 'date', kind => 'event', transform => 'year');
SELECT phiguard.label('chart', 'e', 'date kind=event');
SECURITY LABEL FOR phiguard ON COLUMN chart.e IS 'date kind=event';
SELECT phiguard.label('chart', 'e', 'date kind=birth');
SELECT phiguard.allow('p', category => 'date', kind => 'birth', transform => 'year');
ALTER TABLE event ALTER at TYPE text;
SELECT * FROM phiguard.verify_policy() ORDER BY 2;

DROP TABLE event, event_2, chart, sheet, child, mother, father, ancestor;
SELECT * FROM phiguard.verify_policy() ORDER BY 1, 2;
SELECT relation FROM phiguard.rules WHERE relation IS NOT NULL ORDER BY 1;
DROP VIEW shown;
DROP EXTENSION phiguard;
DROP ROLE regress_phig_reader;
