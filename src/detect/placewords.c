/*
 * placewords.c
 *		Words that say what a part of an address is.
 *
 * In lower case and as folded, one letter each for letters with accents.  Of USPS Publication 28 (appendices C1, C2),
 * and of the forms of other countries as UPU S42 has them.
 */
#include "postgres.h"

#include "detect/placewords.h"

static const struct
{
	uint32		classes;
	const char *words;
}			vocabulary[] = {

	{PHIG_PLACE_KIND,
		"aleea aleja allee av avda avenida avenue beco borgo boulevard bulevar bulevardul c calcada calea calle calz calzada camino carrer carrera chemin corso cours impasse intrarea largo paseo "
	"piazza place plac praca prolongacion quai rambla route rua rue str strada travessa ul ulica ulice via viale vicolo"},
	{PHIG_PLACE_BEHIND,
		"allee caddesi cesta dambis gade gasse gata gatan gate gatve iela kapu katu korut lakotelep plein platz puiestee sokak sor str straat strase strasse "
	"tanav tee ter tie trg u ut utca utja vagen veg vei vej weg"},
	{PHIG_PLACE_FLAT,
		"ajto ap apartamento apartment appartement appt apt apto blk bloc block boite bte d dept door dz esc escalera etage flat hno "
		"int interno kat lgh m no nr ofc oppgang pas ph pier piso planta pmb porta puerta scala slip spc space stop top tur whg "
	"wohnung zimmer"},
	{PHIG_PLACE_ALONE,
	"basement bsmt frnt front lbby lobby lower lowr penthouse rear side upper uppr"},
	{PHIG_PLACE_FLOOR,
	"achter ajto c dcha dto em esq etage fl floor g h hoog izq krs mf og patro pietro piso sal stock th tv verdieping"},
	{PHIG_PLACE_BOX,
	"apartado bp casella casilla postboks postbox postbus postfach"},
	{PHIG_PLACE_OFFICE,
	"contract hc highway o office p po post route rr rural star"},
	{PHIG_PLACE_BUILDING,
		"apartments building cottage court farm house lodge manor mansions rectory residence residences tower towers "
	"villa villas"},
	{PHIG_PLACE_REGION,
	"ab act bc mb nb nl ns nsw nt nu on pe qc qld sk tas vic yt"},
	{PHIG_PLACE_DISTRICT,
	"bairro barrio co col colonia county urb urbanizacion"},
	{PHIG_PLACE_SMALL,
		"a aan am an and bei da das de dei del della den der des di do dos du e el i im in la las le les los na "
	"nad ob of on op pod pri sul sur the u und upon van von vor y"},
	{PHIG_PLACE_ROAD,
	"cr fm rr sr us"},
	{PHIG_PLACE_AGAIN,
	"bis quater ter"},
	{PHIG_PLACE_FORCES,
	"apo dpo fpo"},
	{PHIG_PLACE_THEATER,
	"aa ae ap"},
	{PHIG_PLACE_POST,
	"box cmr psc unit uscgc usns usnv uss"},
	{PHIG_PLACE_LABEL,
	"address lives resides residence"},
	{PHIG_PLACE_LEAD,
	"at is on same the to with"},
	{PHIG_PLACE_COUNTED,
		"bed cycle day extremity fold foot hour level lymph mile minute month node part percent person phase pillow sister "
	"sisters star step story vessel week year"},
	{PHIG_PLACE_JOINT,
	"and d dalla degli dei des l of the und"},
	{PHIG_PLACE_SUITE,
	"apartment apt ste suite"},
};

PhigPlaceSlot phig_place_slots[PHIG_PLACE_SLOTS];

void
phig_placewords_prepare(void)
{
	static bool ready = false;

	if (ready)
		return;
	for (size_t i = 0; i < lengthof(vocabulary); i++)
		for (const char *word = vocabulary[i].words; *word != '\0'; word += strspn(word, " "))
		{
			size_t		len = strcspn(word, " ");
			uint64		hash = phig_hash_word(word, len);
			uint32		slot = hash % PHIG_PLACE_SLOTS;

			while (phig_place_slots[slot].classes != 0 && phig_place_slots[slot].hash != hash)
				slot = (slot + 1) % PHIG_PLACE_SLOTS;
			phig_place_slots[slot].hash = hash;
			phig_place_slots[slot].classes |= vocabulary[i].classes;
			word += len;
		}
	ready = true;
}
