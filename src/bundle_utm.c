/* UTM bundles: which of the four layouts it is, and what the current two have
 * in common. bundles.md section 1. */
#include <stdlib.h>
#include <string.h>

#include "bundle_utm.h"

void utm_information(struct bundle *b, struct node *o)
{
	struct node *i = get_dict(b, o, "Information", REQUIRED);

	if (!i)
		return;
	vm_text(b, i, "Name", &b->vm.name, REQUIRED);
	vm_text(b, i, "UUID", &b->vm.uuid, REQUIRED);
	get_bool(b, i, "IconCustom", REQUIRED, false);
	node_ignore(i, "UUID", "the board has no place for it");
	node_ignore(i, "IconCustom", UTM_WINDOW);
	node_ignore(i, "Icon", UTM_WINDOW);
	node_ignore(i, "Notes", "a note for people");
}

char *utm_image(struct bundle *b, struct node *at, const char *key,
		const char *name)
{
	/* Before version 4 images were in Images; the Finder's copies may
	 * still have them there. */
	char *p = file_maybe(b, "Data", name);

	if (!p)
		p = file_maybe(b, "Images", name);
	return p ? p : file_inside(b, at, key, b->vm.old_layout &&
				   !file_exists(b, "Data") ? "Images" : "Data",
				   name);
}

void utm_rosetta(struct bundle *b, struct node *o, const char *key, bool on)
{
	if (on)
		note_at(b, NOTE_WARN, "rosetta-absent", o, key, "Rosetta, "
			"Apple's translator for Intel programs, exists on Macs "
			"only (in the guest: apt install qemu-user-static "
			"binfmt-support)");
}

void utm_audio(struct bundle *b, struct node *o, const char *key, bool on)
{
	if (on)
		note_at(b, NOTE_NOTE, "audio-absent", o, key, "pome has no "
			"sound");
}

void utm_clipboard(struct bundle *b, struct node *o, const char *key, bool on)
{
	if (on)
		note_at(b, NOTE_NOTE, "clipboard-absent", o, key, "pome has no "
			"clipboard to share (use ssh)");
}

void utm_external(struct bundle *b, struct node *o)
{
	note_at(b, NOTE_WARN, "drive-external", o, NULL, "a removable drive; "
		"what was in it is known to that Mac only (to put something "
		"in: --disk FILE,readonly)");
}

void utm_local_time(struct bundle *b, struct node *n, const char *key,
		    enum need need)
{
	if (get_bool(b, n, key, need, false))
		note_at(b, NOTE_NOTE, "setting-ignored", n, key, "a clock in "
			"local time; the guest's is in UTC");
}

void utm_plan(struct bundle *b, struct node *n, const char *const *plan,
	      const char *const *rest, bool emulated, struct bvm_nic *nic)
{
	static const char *const as[] = { "net", "host", "dhcpstart", "dns",
					  "domainname" };

	for (int i = 0; plan[i]; i++)
		if (emulated)
			vm_net_plan(b, n, plan[i], as[i], nic);
		else
			node_ignore(n, plan[i], UTM_MAC_NET);
	for (; *rest; rest++) {
		const char *s = get_str(b, n, *rest, OPTIONAL);

		if (!emulated)
			node_ignore(n, *rest, UTM_MAC_NET);
		else if (s && *s)
			note_at(b, NOTE_WARN, "setting-ignored", n, *rest,
				"pome's network has no %s", strstr(*rest, "v6")
				? "IPv6" : "search domain to tell");
	}
}

void utm_shared_folders(struct bundle *b, struct node *o, const char *key)
{
	note_at(b, NOTE_WARN, "share-location", o, key, "a shared folder; "
		"which one it is is known to that Mac only, and pome shares "
		"none (copy the files over the network)");
}

static bool version_ok(struct bundle *b, struct node *o)
{
	int64_t v;

	if (!get_int(b, o, "ConfigurationVersion", REQUIRED, &v))
		return false;
	if (v < 4) {
		note_at(b, NOTE_ERROR, "version-too-old", o,
			"ConfigurationVersion", "found %lld beside a Backend, "
			"a layout that UTM never had; expected 4", (long long)v);
		return false;
	}
	if (v > 4) {
		note_at(b, NOTE_ERROR, "version-too-new", o,
			"ConfigurationVersion", "found %lld, written by a newer "
			"UTM; pome knows 4 (and 1 to 3)", (long long)v);
		return false;
	}
	return true;
}

static bool flag_is(const struct node *o, const char *key)
{
	const struct node *n = node_find(o, key);

	return n && n->type == NODE_BOOL && n->flag;
}

static bool number_is(const struct node *o, const char *key, uint64_t lo,
		      uint64_t hi)
{
	const struct node *n = node_find(o, key);

	return n && n->type == NODE_INT && !n->negative && n->num >= lo &&
	       n->num <= hi;
}

static void legacy(struct bundle *b)
{
	b->vm.old_layout = true;
	bundle_note(b, NOTE_NOTE, "legacy-format", NULL, "%s: the layout of an "
		    "early UTM; it is read as UTM reads it, and not changed",
		    b->file);
}

void bundle_utm(struct bundle *b)
{
	struct node *o = b->settings, *back = node_find(o, "Backend");
	const char *s = back && back->type == NODE_STRING ? back->text : NULL;

	b->vm.arch = "aarch64";
	if (s && (!strcmp(s, "Apple") || !strcmp(s, "QEMU"))) {
		bool apple = s[0] == 'A';

		back->use = NODE_HONOURED;
		b->format = apple ? "utm-apple" : "utm-qemu";
		if (!version_ok(b, o))
			return;
		if (apple)
			bundle_utm_apple(b, o);
		else
			bundle_utm_qemu(b, o);
		return;
	}
	if (flag_is(o, "isAppleVirtualization") &&
	    number_is(o, "version", 1, 3)) {
		b->format = "utm-apple-legacy";
		legacy(b);
		bundle_utm_legacy_apple(b, o);
		return;
	}
	if (!back && node_find(o, "System") &&
	    (!node_has(o, "ConfigurationVersion") ||
	     number_is(o, "ConfigurationVersion", 0, 3))) {
		b->format = "utm-qemu-legacy";
		legacy(b);
		bundle_utm_legacy_qemu(b, o);
		return;
	}
	b->format = "utm-apple";
	if (back)
		note_at(b, NOTE_ERROR, back->type == NODE_STRING ? "bad-enum" :
			"wrong-type", o, "Backend", "found '%.40s'; expected "
			"Apple or QEMU", s ? s : node_type_name(back->type));
	else
		note_at(b, NOTE_ERROR, "missing-key", o, "Backend", "the key "
			"is missing, and there is no sign of an older layout; "
			"expected Apple or QEMU");
}
