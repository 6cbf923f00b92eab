-- Detection: where identifiers stand in a text, and where none does.
CREATE EXTENSION phiguard;

-- Every span is what substring() cuts out by it; categories and kinds are words of labels.
CREATE FUNCTION show(text) RETURNS TABLE (span text, category text, kind text) LANGUAGE sql AS
$$ SELECT substring($1 FROM start FOR length), category, kind FROM phiguard.detect($1) $$;

-- Numbers with a published form, with a good and a bad check digit.
SELECT * FROM show('SSN 219-09-1234, not 666-12-3456; ITIN 912-70-1234');
SELECT * FROM show('MBI 1EG4-TE5-MK73. NPI 1234567893 DEA AB1234563');
SELECT * FROM show('Card 4111 1111 1111 1111 was charged; ref 4111111111111112');
SELECT * FROM show('VIN 1M8GDM9AXKP042788, plate CJK 3320');
SELECT * FROM show('UDI (01)00614141999996(17)290315(21)A1X, MAC 00:1a:2b:3c:4d:5e');
SELECT * FROM show('from 203.0.113.68 and 2001:db8::7, by https://portal.example.org/p/1?x=2. Mail ann.o-hare@mail.example.org!');
SELECT * FROM show('Phone (617) 555-0142 ext. 12, fax: 617.555.0143, cell +44 7700 900123');
SELECT * FROM show('MRN: 0123456  Acct #: 122438918  Member ID XEH499010118  CSN E821424105');
SELECT * FROM show('last four of SSN 1845; xxx-xx-1234');
-- By a label, whatever is wrong with the number.
SELECT * FROM show('SSN: 999-12-3456, NPI 1234567890, VIN 1HGCM82643A004352');

-- Dates, and what may stay of them.
SELECT * FROM show('Seen 3/14/2019, 14 Jun 2015, March 15th, 2022, 2021-07-04T10:11:12Z and on Jan 20th ''23 at 14:30; since 2016.');
SELECT * FROM show('DOB 19450312, admitted 3/4, discharged 3/9/21');
SELECT * FROM show('a 95-year-old, her 88 y/o husband, age 101, in her late nineties; SpO2 95, weight 98 kg');

SELECT * FROM show(E'92M with CHF. A 93F presenting with SOB. 101F c/o CP, Pt is a 95M. This is a 94 F, 91 M w/ COPD\n96F s/p CABG');
SELECT * FROM show('Temp 99F with chills; T 101 F. 99F fever, to 102F at home, a grant of 95M dollars, 98M, temp was 99 F, 88M with CHF');
SELECT * FROM show('DOS: 3/14, date: 3/15, next appt: 5/6 at 2pm; pain at discharge: 4/10, strength: 4/5, Seen: 3/17');
-- Names, addresses, facilities.
SELECT * FROM show('Patient: Marianne Mcduffie seen by Dr. José O''Brien-Ñandú, MD. Mcduffie''s daughter Arlene called.');
SELECT * FROM show('KEMP, TASIA of 217 Mill Blvd Apt 4B, Hartford, CT 06101-2345 was at St. Mary''s Hospital');
-- Extensions, and times of day behind dates.
SELECT * FROM show('(617) 555-0142, ext. 7; 617-555-0143 extension 310; 617/555-0144; +1 (617) 555-0145 #45, ext 7 days');
SELECT * FROM show('3/14/2019 at 2:30 PM, March 4th, 2019, 2:30 p.m.; Aug. 9, 2007, 11:05 AM EST; 3-16-15 @ 1430; 8 May 2019 0745. 2006-04-11t14:30:00z, 3/14/2019 AT 7:45 AM');
SELECT * FROM show('3/14/2019 1200 mL; 3/15/2019, 4 tablets; April 3, 2019 10 mg; 3-4-5');
-- Names with what people add to them.
SELECT * FROM show('Ann "Addie" Poe; Tomasz (Tom) Kowalczyk; Priya Haddad, Jr.; Marek Dvorak III; Ann Poe (Mother), Rev. Ann Poe, Sr.');
SELECT * FROM show('seen with priya maria de la poe. dr. leonard st. vandermeer');
SELECT * FROM show('I spoke with Quorrell, Zenaida F. by phone; van der Pol, Rick called. The ward, Monday M. shift.');
SELECT * FROM show('dr. grace park and marek "tomek" dvorak iii, with the grace period; mrs. haddad');
-- Notes are not the only texts: keys and fields.
SELECT * FROM show('{"patient_name": "Ann Poe", "mrn": "0012345", "dob": "1950-01-02", "phone_number": "6175550142", "zip": "02115"}');
SELECT * FROM show('member_id: ABC123456; ACCOUNT_NUMBER=000333444 patient_id=4455667');
SELECT * FROM show('PID|1||1234567^^^HOSP^MR||DOE^JOHN^A||19500102|M|||12 MAIN ST^^BOSTON^MA^02115||(617)555-0142|||M||998877665|219-09-1234');
SELECT * FROM show('pt is jane smith, dr. patel following');
-- A person found once is known in the rest of the text; so are the others of a list.
SELECT * FROM show('Mr. Fix called. Later Fix was seen, and Quorra and Ann came.');
-- People without a title: by a name of any country, by what is said to them and of them, in text without capitals.
SELECT * FROM show('Later Zuzana and Tomasz Kowalczyk met. "Fine," says Quorra-aho. Call me Quorra. Ann White, Dr. Brown and Jill Q Public came.');
SELECT * FROM show('Quorra told him; Quill''s daughter agreed. Wait here, Mark! They call him Sledge. Hello Madison, Houston asked Austin about Austin, TX.');
SELECT * FROM show('user: heather quillfeather, seen with leonard p. vandermeer; dr. patel says ok. frank discussion, mark the site');
SELECT * FROM show('Quorra smiled. Patient Quill tolerated it. Quell (daughter) and Blix, her son, left. Message from Quim Quorra: refill. Zuzana was seen; Tomasz''s shoes.');
SELECT * FROM show(E'Regards,\nQuim Quorra');
-- "ID" is Idaho only where a town and a postal code of it, or a comma, stand with it.
SELECT * FROM show('Employee ID 54321, Patient ID 83702, Study ID 12345. Lives in Moscow ID 83843; was in Zeldaville ID 83221, Gotham, ID 12345; discussed with ID 20210');
-- Coordinates with what says that they are some.
SELECT * FROM show('Latitude 42.3601, Longitude -71.0589; lat: 42.3602 long: -71.0582; {"lat": 42.3603, "lon": -71.0583}; 42.3604° N, 71.0584° W; doses of 42.3601, 71 long');
-- Of a member's number the letters in front may stand apart.
SELECT * FROM show('Member ID: ABC 123456789, Insurance: BCBS XYZ123456789; Policy #: XYZ 1234567; Plan: PT 10000 steps; plan: KCL 2000 mg, Insurance: BCBS since 2019');
-- The end of an account's number is a part of it.
SELECT * FROM show('card ending in 4421, account ending in 4422, the last four of his bank account are 4423, acct ends 4424; account 2019, billing four 1234-5678, claim ending in 2019-04');
-- A full name before a word that eponyms have is a name all the same; two words of an eponym are none.
SELECT * FROM show('John Smith test results are back. Robert Miller''s infection; Mary Johnson stage III, Reviewed Carlos Rivera scan; Stevens-Johnson syndrome, Lou Gehrig''s disease, Ramsay Hunt syndrome, Marie Walker Test; Garcia, Maria heart failure; Grace Hall lesion');
SELECT * FROM show('patient: garcia, maria; name: doe, jane q 45 yo; name: poe, ada; contact: home, mark');
-- Departments are nobody, and the second half of an eponym is no name either.
SELECT * FROM show('Attending: Cardiology, consultant: Neurology, PCP: Long; Child-Pugh B, Child Pugh class A');
SELECT * FROM show('seen by Dr. Pugh');
-- Addresses of other countries, of the forces, behind a label, around a flat.
SELECT * FROM show('56 rue La Boétie; Via Zannoni 49; 12 Kuefsteinstrasse 9; Gumpendorfer Strasse 44; ul. Krolowej Jadwigi 5');
SELECT * FROM show('PSC 1437, Box 3833, APO AA 66791. USNS Comfort FPO AP 96662');
SELECT * FROM show(E'His address is 77 Harjukuja 54. Address: 5533 Countess Close\nNote: none\n12 Stellvey 7\nApt. 904\nHarstad\nNorway 95441\n\nWell.');
SELECT * FROM show('Moved from 72134 Coronilla 3599, lives on Mill Street');
-- The whole of an address, part by part, and not what stands behind it.
SELECT phiguard.redact(t) FROM unnest(ARRAY[
    'Lives at 9 Quince Hollow Rd, Unit 3-B, Brattleboro, VT 05301-1234. Denies pain, took 2 Tylenol.',
    'To PMB 88, 410 1/2 N Sorrel St SW #7, Galena IL 61036; HC 12 Box 9D, Marfa, TX; 77 County Road 12 Apt 4; N6W23001 Alder Rd',
    '44 Broadway, 2nd Floor; 5052 E 3000 S, Provo, UT; 613 FM 2001, Buda, TX 78610; Rural Route 4, Box 17-C; 6-B 14th Pkwy',
    'Flat 2, Rose Court, 17 Mill Lane, Harrow HA3 7QR, United Kingdom. Seen again.',
    '10-123 Elm Street NW, Montreal QC  H3Z 2Y7, Canada; Unit 3, 45 Alder Grove, Richmond VIC 3121, Australia',
    'Obere Bergstrasse 12, 04109 Leipzig, Germany; Storgatan 5 lgh 1102, 112 36 Stockholm; Vestergade 8, 2. tv, 5000 Odense C, Denmark',
    'From C/ Mayor, 15, 2º B, 28013 Madrid, Spain to ul. Długa 30/7 m. 12, 00-238 Warszawa, Poland',
    'Ilica 12, 10000 Zagreb, Croatia; Bağdat Caddesi No: 42 D: 4, 34710 Kadıköy/İstanbul; 37-2-3 Nishi-Hara, Tokyo 160-0023, Japan',
    '12 bis, rue des Lilas, BP 40122, 69003 Lyon, France; Kossuth Lajos u. 14., 1053 Budapest; Kauppakatu 35 A 12, 40100 Jyväskylä',
    'at the corner of Elm St. and 5th Avenue, APO AE 09499-0074', 'Address: 8 Mill Rd' || E'\nApt 4\nGalena\nIL 61036\nPhone: none',
    'she lives at keizersgracht 12, 1015 cj amsterdam, netherlands', '37-2-3 Nishi-Hara, Tokyo 160-0023',
    'Pützdelle 7 5 OG, 50246 Hameln; Calle Luna s/n, 98671 Guaymas; Intrarea Bega, Bloc 31, 891478 Mangalia; 12 Quill Meadow, Doylemouth, Co. Kilkenny']) t;
-- Numbers and names that are no parts of one.
SELECT phiguard.redact(t) FROM unnest(ARRAY[
    'Address: 12 Main Street, Weight 145 lb, BP 120/80', E'12 Elm St\nSaw Dr. Poe\n10 mg', E'Home: 12 Elm Street\nMedications: Lasix 40 mg\n20000 units',
    '12 Main St Patient reports pain', 'Dose at Cycle 3, Day 15, 2021; Vitamin D: 4, B 12, 5000 IU; in Lane 4, 10500 Nike', 'Admitted to Bed 12, 4000 units Heparin; Site 12, 20000 patients',
    'Traveled to Sweden 3 years ago, moved from Mexico. Corner of the mouth droops. Seen at 07:45 WITH DR. POE', 'Unit 3 nurse called Floor 2; Apt to fall, 1000 mL',
    'A 6 Minute Walk test before the 3 Vessel Bypass; OF 2 LYMPH NODE STATIONS. STATION 7 SAMPLED; 3 MILE RUN; 5 Star Lodge',
    'At Troponinol 2, No. 4; PR 4356, GCC 10.2, GFDL-1.3, GPL-3']) t;
-- Telephones of other countries, and lead-in words.
SELECT * FROM show('registered 024 971 50 30; call me back on 450 0840; 61 51 81 office; called on 3-14-2019');

-- Nobody.
SELECT * FROM show('BP 120/80, HR 60, strength 4/5, pain 5/10, 1/2 tab, GCS 3-4-5, Gleason 3+4, 24/7, NDC 00406-0552-01, ICD-10 I48.91, version 1.2.3.4');
SELECT * FROM show('Parkinson disease, Foley catheter, Graves'' disease, Bell palsy, Apgar score, Wilson disease, May need rose hip tea. Mark the wound edges.');
SELECT * FROM show('Transferred to SNF from Ambulatory Surgery Center. Physician Referral. Hill-Sachs lesion, Swan-Ganz, Group B Strep. Home Health. Started Plavix and Lipitor.');
-- Words that are like people and streets, and are none.
SELECT * FROM show('The Princess Royal arrived. Thai food. Take 2 Xarelto 20 mg, via G-tube 30 ml, 1 Eliquis 5. Suite, floor 3. Crohn''s patient notes; Parkinson''s medication. Route 3 times. Apt to fall 2 times');
SELECT * FROM show('Insulin told nothing. Eliquis refused by insurance. Per Xarelto label. Zosyn was held; Zosyn and his lunch. The unit called at 10. Seen by White count 12.');
SELECT * FROM show('');
SELECT * FROM phiguard.detect(NULL);

-- Characters, not bytes; invisible ones, full-width ones and look-alikes do not hide a number.
SELECT start, length, category FROM phiguard.detect('näïve 日本 ' || 'SSN 219-09-1234');
\pset format unaligned
SELECT * FROM show(U&'card 4111\200D1111\200D1111\200D1111, SSN \FF12\FF11\FF19-\FF10\FF19-\FF11\FF12\FF13\FF14, j\0430ne.roe@example.org');
\pset format aligned

-- The guesses below the threshold.
SELECT category, score FROM phiguard.detect('It was 4/5.', 0);
SELECT * FROM phiguard.detect('x', 2);

-- All words are those of labels: a recognizer may only have such.
INSERT INTO phiguard.recognizers (name, pattern, category, kind)
SELECT DISTINCT concat_ws('/', category, kind), '(?!)', category, kind FROM unnest(ARRAY[
    'SSN 219-09-1234, last four 1234, MBI 1EG4-TE5-MK73, Medicare 123456789A NPI 1234567893 DEA AB1234563, VIN 1M8GDM9AXKP042788, plate CJK 3320, MRN 0123456, accession 12-345678, CSN 123456789',
    'serial SN-1867119, MAC 00:1a:2b:3c:4d:5e, UDI (01)00614141999996, 203.0.113.68, 2001:db8::7, card 4111111111111111, IBAN GB82WEST12345698765432, account 122438918, passport 123456789',
    'member ID XEH499010118 group 633380, subject SUBJ-7550 (L.R.), license S39075050, 1 Mill Rd, Boston, MA 02155, 41.40338, -71.17403, Mercy Hospital, 3/14/2019, a 95 y/o, fax 617-555-0142',
    'phone 617-555-0142, Ann Poe, a@example.org, https://example.org/, ref no. 12345678']) t, phiguard.detect(t, 0);
SELECT name FROM phiguard.recognizers ORDER BY name;
DELETE FROM phiguard.recognizers;
-- Each recognizer is known by its name: only such a row may do without a pattern.
INSERT INTO phiguard.recognizers (name, enabled)
SELECT DISTINCT recognizer, false FROM unnest(ARRAY[
    'SSN 219-09-1234, ssn 219091234, last four of SSN 1234, MBI 1EG4-TE5-MK73, Medicare 123456789A NPI: 1234567893 or 1245319599 DEA AB1234563 and DEA# XX1234567, VIN 1M8GDM9AXKP042788, plate CJK 3320, MRN 0123456, CSN 123456789',
    'serial SN-1867119, MAC 00:1a:2b:3c:4d:5e, UDI (01)00614141999996, 203.0.113.68, 2001:db8::7, card 4111111111111111 card 411111111111, IBAN GB82WEST12345698765432, account 122438918, passport 123456789',
    'member ID XEH499010118 group 633380, subject SUBJ-7550 (L.R.), license S39075050, 1 Mill Rd, Via Roma 8, Boston, MA 02155, 12345-6789, zip 02155, PO Box 12, 41.40338, -71.17403, Mercy Hospital, a 95 y/o, fax 617-555-0142, accession 12-345678',
    'phone 617-555-0142, tel 5550142, Ann Poe, ann poe, ada lovelace, Poe, a@example.org, https://example.org/, ref no. 12345678, 20200304, 2020-03-04, 3/2020, 3/4, 3/4-3/9/21, 3 May 2020, Christmas 2021, 3/4/2020',
    'IMEI 490154203237518, 010061414199999617290315, VIN ZZ1234567890ZZ123, device 123456, biometric no. 1234']) t, phiguard.detect(t, 0);
SELECT string_agg(name, ' ' ORDER BY name) FROM phiguard.recognizers;
DELETE FROM phiguard.recognizers;

-- Long texts are as the same text short, also where it is cut.
SELECT count(*), count(DISTINCT (substring(t FROM start FOR length)))
  FROM (SELECT string_agg(repeat('ä', 997) || ' SSN 219-09-1234' || E'\n', '') AS t FROM generate_series(1, 200)) s, phiguard.detect(t);
-- In one line the chunks have a part in common: nothing is lost between them, and nothing found twice.
SELECT count(*), count(DISTINCT start), array_agg(DISTINCT category ORDER BY category) FROM phiguard.detect(repeat('Patient: José Poe, MRN 0123456, seen on 3/14/2019. ', 20000));
