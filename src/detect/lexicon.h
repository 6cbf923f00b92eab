/*
 * lexicon.h
 *		Words that say what stands beside them: labels, titles, months, streets.
 *
 * A word may be of several classes.  All is the plain knowledge of the domain, in lexicon.c; none of
 * it comes from a particular text.
 */
#ifndef PHIG_LEXICON_H
#define PHIG_LEXICON_H

#include "postgres.h"

#define LEX(n) (UINT64CONST(1) << (n))

/* What the number beside them is. */
#define PHIG_LEX_SSN		LEX(0)
#define PHIG_LEX_PHONE		LEX(1)
#define PHIG_LEX_FAX		LEX(2)
#define PHIG_LEX_NPI		LEX(3)
#define PHIG_LEX_DEA		LEX(4)
#define PHIG_LEX_MEDICARE	LEX(5)
#define PHIG_LEX_MEMBER		LEX(6)
#define PHIG_LEX_GROUP		LEX(7)
#define PHIG_LEX_ACCOUNT	LEX(8)
#define PHIG_LEX_CARD		LEX(9)
#define PHIG_LEX_BANK		LEX(10)
#define PHIG_LEX_VEHICLE	LEX(11)
#define PHIG_LEX_PLATE		LEX(12)
#define PHIG_LEX_SERIAL		LEX(13)
#define PHIG_LEX_DEVICE		LEX(14)
#define PHIG_LEX_LICENSE	LEX(15)
#define PHIG_LEX_PASSPORT	LEX(16)
#define PHIG_LEX_MRN		LEX(17)
#define PHIG_LEX_ENCOUNTER	LEX(18)
#define PHIG_LEX_ACCESSION	LEX(19)
#define PHIG_LEX_ZIP		LEX(20)
#define PHIG_LEX_BIRTH		LEX(21)
#define PHIG_LEX_DATE		LEX(22)
#define PHIG_LEX_TRIAL		LEX(23)
#define PHIG_LEX_ID			LEX(24)
#define PHIG_LEX_BIOMETRIC	LEX(25)
#define PHIG_LEX_RECORD		LEX(26) /* record, chart: with medical before them a label of an MRN */

/* Between a label and its value. */
#define PHIG_LEX_NUMBER		LEX(27) /* number, no, num */
#define PHIG_LEX_LINK		LEX(28) /* is, was, of, ending, in */

/* A number beside them is none of anybody's. */
#define PHIG_LEX_CODE		LEX(29) /* NDC, CPT, version */
#define PHIG_LEX_MEASURE	LEX(30) /* mg, mmHg, tablets */

/* People. */
#define PHIG_LEX_PERSON		LEX(31) /* patient, name, attending: labels of names */
#define PHIG_LEX_TITLE		LEX(32) /* Mr, Dr */
#define PHIG_LEX_CREDENTIAL	LEX(33) /* MD, RN */
#define PHIG_LEX_RELATION	LEX(34) /* wife, daughter */
#define PHIG_LEX_GREETING	LEX(35) /* Dear, Sincerely */
#define PHIG_LEX_SUFFIX		LEX(36) /* Jr, III */
#define PHIG_LEX_PARTICLE	LEX(37) /* de, van */
#define PHIG_LEX_NAMED		LEX(38) /* named, called, name */
#define PHIG_LEX_PRONOUN	LEX(39) /* he, she, patient: of whom an age is said */

/* Time. */
#define PHIG_LEX_MONTH		LEX(40)
#define PHIG_LEX_WEEKDAY	LEX(41)
#define PHIG_LEX_ORDINAL	LEX(42) /* st, nd, rd, th */
#define PHIG_LEX_SEASON		LEX(43) /* winter, Christmas: dates with a year behind them */
#define PHIG_LEX_AGE_UNIT	LEX(44) /* years, yo */
#define PHIG_LEX_AGE		LEX(45) /* age, aged */
#define PHIG_LEX_NINETY		LEX(46) /* ninety, nonagenarian */

/* Places. */
#define PHIG_LEX_STREET		LEX(47)
#define PHIG_LEX_UNIT		LEX(48) /* Apt, Suite */
#define PHIG_LEX_DIRECTION	LEX(49)
#define PHIG_LEX_STATE		LEX(50) /* names and postal codes of states */
#define PHIG_LEX_FACILITY	LEX(51) /* Hospital, Clinic */
#define PHIG_LEX_CARE		LEX(52) /* seen, admitted: at a place */
#define PHIG_LEX_AT			LEX(53) /* at, in, from, near */
#define PHIG_LEX_LIVES		LEX(54) /* lives, resident */
#define PHIG_LEX_SAINT		LEX(55) /* St, Mount, New: first word of a place in two */
#define PHIG_LEX_TALK		LEX(56) /* spoke, family: "with" or "of" and a name follow */
#define PHIG_LEX_SYSTEM		LEX(57) /* Mayo, Kaiser: hospitals that go by a name alone */
#define PHIG_LEX_SPECIALTY	LEX(58) /* Surgery, Nursing: what a facility does, not which one it is */
#define PHIG_LEX_HOUSE		LEX(59) /* Medical, General: inside names of facilities */

/* Medicine. */
#define PHIG_LEX_AFTER_EPONYM LEX(60)	/* disease, syndrome, catheter */
#define PHIG_LEX_EPONYM		LEX(61) /* Parkinson */
#define PHIG_LEX_ROAD		LEX(63) /* kinds of streets that are little else */
#define PHIG_LEX_STOP		LEX(62) /* words that never are a name, whatever stands around them */

typedef struct PhigLexSlot
{
	uint64		hash;
	uint64		classes;
} PhigLexSlot;

#define PHIG_LEX_SLOTS 4096

extern PhigLexSlot phig_lexicon_slots[PHIG_LEX_SLOTS];

/* Make the table of slots; once per process, before the first text. */
extern void phig_lexicon_prepare(void);

static inline uint64
phig_lexicon_look(uint64 hash)
{
	for (uint32 i = hash % PHIG_LEX_SLOTS;; i = (i + 1) % PHIG_LEX_SLOTS)
	{
		if (phig_lexicon_slots[i].hash == hash)
			return phig_lexicon_slots[i].classes;
		if (phig_lexicon_slots[i].classes == 0)
			return 0;
	}
}

#endif
