/*
 * texts.c
 *		Lists of char *, and SQL's text[].
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "texts.h"

List *
phig_texts_of_array(Datum array)
{
	List	   *list = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			list = lappend(list, TextDatumGetCString(elements[i]));
	return list;
}

List *
phig_texts_add(List *words, char *word)
{
	ListCell   *lc;

	foreach(lc, words)
		if (strcmp(lfirst(lc), word) == 0)
			return words;
	return lappend(words, word);
}

Datum
phig_text_array(List *words)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(words), 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, words)
		elements[n++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}
