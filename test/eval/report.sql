-- The page: docs/detection-quality.md.
\pset footer off
CREATE FUNCTION ratio(n numeric, d numeric) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN d = 0 THEN '-' ELSE to_char(n / d, 'FM0.000') END $$;
-- F with weight b of recall, of recall r/g and precision h/(h + a).
CREATE FUNCTION f_score(b numeric, r numeric, g numeric, h numeric, a numeric) RETURNS text LANGUAGE sql AS
$$ SELECT CASE WHEN g = 0 OR h + a = 0 THEN '-' WHEN r = 0 OR h = 0 THEN '0.000'
               ELSE to_char((1 + b * b) * (h / (h + a)) * (r / g) / (b * b * (h / (h + a)) + r / g), 'FM0.000') END $$;
CREATE FUNCTION row_of(name text, gold numeric, partial numeric, exact numeric, covered numeric, hits numeric, exact_hits numeric, alarms numeric) RETURNS text LANGUAGE sql AS
$$ SELECT format('| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |', name, gold, ratio(covered, gold), ratio(partial, gold), ratio(hits, hits + alarms),
                 f_score(1, partial, gold, hits, alarms), f_score(2, partial, gold, hits, alarms),
                 ratio(exact, gold), ratio(exact_hits, hits + alarms), f_score(1, exact, gold, exact_hits, hits - exact_hits + alarms)) $$;
CREATE FUNCTION table_of(which_set text, which_part text) RETURNS SETOF text LANGUAGE sql AS $$
SELECT '| category | spans | covered | recall | precision | F1 | F2 | exact recall | exact precision | exact F1 |'
UNION ALL SELECT '|---|---|---|---|---|---|---|---|---|---|'
UNION ALL SELECT * FROM (SELECT row_of(class, gold, partial, exact, covered, hits, exact_hits, alarms) FROM score WHERE set = which_set AND part = which_part ORDER BY class) s
UNION ALL SELECT row_of('**structured**', sum(gold), sum(partial), sum(exact), sum(covered), sum(hits), sum(exact_hits), sum(alarms))
            FROM score WHERE set = which_set AND part = which_part AND is_structured(class) HAVING sum(gold) > 0
UNION ALL SELECT row_of('**all**', sum(gold), sum(partial), sum(exact), sum(covered), sum(hits), sum(exact_hits), sum(alarms))
            FROM score WHERE set = which_set AND part = which_part $$;

SELECT $$# How well detection finds

`make eval` writes this page: what `phiguard.detect()` finds, held against texts in which people marked the identifiers. Nobody is in them: they are made up.

- *covered*: spans of which every letter and digit lies in some found span, whatever its category: what redaction takes out. Titles, states and words such as "in" inside a span do not count.
- *recall*: spans that a found span of the same category overlaps. *precision*: found spans of a category that overlap one of it, among those and the ones where nothing is annotated.
- *exact*: the same with the same first and last character. F2 weighs recall twice.
- *structured*: SSN, MBI, NPI, DEA, VIN, telephone, fax, e-mail, URL, IP, card, date, ZIP.
- **forms** is made by `test/eval/forms.pl`: addresses in the forms of USPS Publication 28 and of 31 other countries (UPU S42), names with what people add to them, telephones with extensions, dates with times, in 40 sentences,
  letters and fields. It was written before the rules for what it shows. At first sight 27 % of its addresses, 80 % of its names, 79 % of its telephones and 76 % of its dates were covered whole, though nearly each was found in part.
  Rules were changed by its first half, and by 434 addresses and 414 names of another generator (faker-js 10.6, 31 and 23 locales) in other sentences: of those 5 % and 96 % were covered whole at first, 88 % and 98 % after.
- **development** and **held out**: half of each set by a hash of the text's name (odd first byte of md5: held out). Rules were changed by what the first half showed only; templates of sentences are in both halves, so that the
  second is no proof for texts of another kind.

What the sets are and under which licence: `test/data/README.md` and `test/eval/run`. Categories are those of each set: `asq_phi` has facilities and towns as one, `presidio_research` is no clinical text; its addresses are of all
countries and cut into pieces that lie inside each other; its towns and countries by themselves are not counted, nor are bare years, weekdays, titles, nationalities and organisations.
$$;

SELECT E'## Texts\n\n| set | part | texts | with identifiers | of these with one not covered | without any | of these with a finding |\n|---|---|---|---|---|---|---|';
SELECT format('| %s | %s | %s | %s | %s (%s %%) | %s | %s (%s %%) |', set, part, count(*), count(*) FILTER (WHERE has), count(*) FILTER (WHERE missed),
              round(100.0 * count(*) FILTER (WHERE missed) / nullif(count(*) FILTER (WHERE has), 0), 1), count(*) FILTER (WHERE NOT has_any),
              count(*) FILTER (WHERE NOT has_any AND finds), coalesce(round(100.0 * count(*) FILTER (WHERE NOT has_any AND finds) / nullif(count(*) FILTER (WHERE NOT has_any), 0), 1), 0))
  FROM (SELECT d.set, d.part, EXISTS (SELECT FROM gold g WHERE g.doc = d.doc AND class IS NOT NULL) AS has, EXISTS (SELECT FROM gold g WHERE g.doc = d.doc) AS has_any,
               EXISTS (SELECT FROM gold_score g WHERE g.doc = d.doc AND class IS NOT NULL AND NOT covered) AS missed, EXISTS (SELECT FROM found f WHERE f.doc = d.doc) AS finds
          FROM document d) s
 GROUP BY set, part ORDER BY set, part;

SELECT format(E'\n## %s, %s\n\n%s', set, part, (SELECT string_agg(line, E'\n') FROM table_of(set, part) AS line))
  FROM (SELECT DISTINCT set, part FROM document) s ORDER BY set DESC, part;
