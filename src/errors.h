/*
 * errors.h
 *		SQLSTATEs that phiguard raises beyond the standard ones.
 *
 * Class PG (unused by PostgreSQL and by the SQL standard, which reserves
 * classes starting 0-4 and A-H).
 *
 *	PG001	journal_unavailable		a record could not be written; the statement is refused
 *	PG002	key_unavailable			a key is missing or not usable
 *	PG003	unlabelled_store		labelled data would be written into an unlabelled column
 *	PG004	invalid_label			text of a label that the grammar or vocabulary refuses
 *	PG005	not_authentic			a sealed value was changed, or belongs elsewhere
 */
#ifndef PHIG_ERRORS_H
#define PHIG_ERRORS_H

#define PHIG_ERRCODE_JOURNAL_UNAVAILABLE	MAKE_SQLSTATE('P','G','0','0','1')
#define PHIG_ERRCODE_KEY_UNAVAILABLE		MAKE_SQLSTATE('P','G','0','0','2')
#define PHIG_ERRCODE_UNLABELLED_STORE		MAKE_SQLSTATE('P','G','0','0','3')
#define PHIG_ERRCODE_INVALID_LABEL			MAKE_SQLSTATE('P','G','0','0','4')
#define PHIG_ERRCODE_NOT_AUTHENTIC			MAKE_SQLSTATE('P','G','0','0','5')

#endif
