#include "inspect/pprof.h"

#include "base/hash.h"
#include "base/os.h"
#include "inspect/print.h"
#include "inspect/symbol.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of fields in profile.proto. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE,
    PROFILE_MAPPING,
    PROFILE_LOCATION,
    PROFILE_FUNCTION,
    PROFILE_STRING,
    PROFILE_TIME = 9,
    PROFILE_DURATION,
    PROFILE_PERIOD_TYPE,
    PROFILE_PERIOD,
    TYPE_TYPE = 1,
    TYPE_UNIT,
    SAMPLE_LOCATIONS = 1,
    SAMPLE_VALUES,
    SAMPLE_LABEL,
    LABEL_KEY = 1,
    LABEL_STR,
    LABEL_NUMBER,
    LABEL_UNIT,
    MAPPING_ID = 1,
    MAPPING_START,
    MAPPING_LIMIT,
    MAPPING_OFFSET,
    MAPPING_FILE,
    MAPPING_HAS_FUNCTIONS = 7,
    MAPPING_HAS_FILES,
    MAPPING_HAS_LINES,
    MAPPING_HAS_INLINED,
    LOCATION_ID = 1,
    LOCATION_MAPPING,
    LOCATION_ADDRESS,
    LOCATION_LINE,
    LINE_FUNCTION = 1,
    LINE_NUMBER,
    FUNCTION_ID = 1,
    FUNCTION_NAME,
    FUNCTION_SYSTEM_NAME,
    FUNCTION_FILE,
};
enum { FIRST_SLOTS = 256, INLINED = 8, MOST_FRAMES = 128 };

/* ---- numbering ---- */

static size_t slot_of(const struct oak__pprof_ids *t, uint64_t key)
{
    size_t i = hash_mix(0, key) & (t->slots - 1);
    while (t->keys[i] && t->keys[i] != key)
        i = (i + 1) & (t->slots - 1);
    return i;
}

static bool grow(struct oak__pprof_ids *t)
{
    struct oak__pprof_ids more = {.slots = t->slots ? 2 * t->slots : FIRST_SLOTS, .n = t->n};
    more.keys = oak__calloc(more.slots * sizeof *more.keys);
    more.ids = oak__calloc(more.slots * sizeof *more.ids);
    if (!more.keys || !more.ids) {
        oak__free(more.keys);
        oak__free(more.ids);
        return false;
    }
    for (size_t i = 0; i < t->slots; i++)
        if (t->keys[i]) {
            size_t at = slot_of(&more, t->keys[i]);
            more.keys[at] = t->keys[i];
            more.ids[at] = t->ids[i];
        }
    oak__free(t->keys);
    oak__free(t->ids);
    *t = more;
    return true;
}

/* The number of a key (not 0); *fresh: it is new. 0: memory is out. */
static uint64_t id_of(struct oak__pprof *p, struct oak__pprof_ids *t, uint64_t key, bool *fresh)
{
    *fresh = false;
    if (2 * t->n >= t->slots && !grow(t)) {
        p->failed = true;
        return 0;
    }
    size_t i = slot_of(t, key);
    if (!t->keys[i]) {
        *fresh = true;
        t->keys[i] = key;
        t->ids[i] = ++t->n;
    }
    return t->ids[i];
}

static bool add_text(struct oak__pprof *p, const char *text)
{
    if (p->ntexts == p->texts_room) {
        size_t room = p->texts_room ? 2 * p->texts_room : FIRST_SLOTS;
        char **more = oak__malloc(room * sizeof *more);
        if (!more)
            return false;
        if (p->ntexts)
            memcpy(more, p->text, p->ntexts * sizeof *more);
        oak__free(p->text);
        p->text = more;
        p->texts_room = room;
    }
    size_t n = strlen(text) + 1;
    char *copy = oak__malloc(n);
    if (!copy)
        return false;
    memcpy(copy, text, n);
    p->text[p->ntexts++] = copy;
    return true;
}

/* Index in the table of strings, in which number 0 is the empty one. Texts of one hash are told apart. */
static uint64_t string(struct oak__pprof *p, const char *text)
{
    if (!text || !text[0])
        return 0;
    uint64_t h = 1;
    for (const char *c = text; *c; c++)
        h = hash_mix(h, (unsigned char)*c);
    for (;; h++) {
        bool fresh;
        uint64_t id = id_of(p, &p->texts, h ? h : 1, &fresh);
        if (id && fresh && !add_text(p, text))
            p->failed = true;
        if (p->failed)
            return 0;
        if (fresh || strcmp(p->text[id - 1], text) == 0)
            return id;
    }
}

/* ---- parts ---- */

static void value_type(struct oak__pprof *p, unsigned field, const struct oak__pprof_type *t)
{
    const uint64_t type = string(p, t->type), unit = string(p, t->unit);
    size_t begin = oak__pb_begin(&p->out);
    oak__pb_number(&p->out, TYPE_TYPE, type);
    oak__pb_number(&p->out, TYPE_UNIT, unit);
    oak__pb_end(&p->out, field, begin);
}

static uint64_t function(struct oak__pprof *p, const char *name, const char *file)
{
    const uint64_t n = string(p, name), f = string(p, file);
    bool fresh;
    uint64_t id = n ? id_of(p, &p->functions, n << 32 | f, &fresh) : 0;
    if (!id || !fresh)
        return id;
    size_t begin = oak__pb_begin(&p->out);
    oak__pb_number(&p->out, FUNCTION_ID, id);
    oak__pb_number(&p->out, FUNCTION_NAME, n);
    oak__pb_number(&p->out, FUNCTION_SYSTEM_NAME, n);
    oak__pb_number(&p->out, FUNCTION_FILE, f);
    oak__pb_end(&p->out, PROFILE_FUNCTION, begin);
    return id;
}

static uint64_t mapping_of(const struct oak__pprof *p, uintptr_t pc)
{
    for (size_t i = 0; i < p->nmaps; i++)
        if (pc >= p->maps[i].lo && pc < p->maps[i].hi)
            return i + 1;
    return 0;
}

/* The call at pc, which is where it returns to: innermost inlined function first. */
static uint64_t location(struct oak__pprof *p, const void *pc, struct oak__symbol *s, int n)
{
    uint64_t ids[INLINED];
    bool fresh;
    uint64_t id = id_of(p, &p->locations, (uintptr_t)pc, &fresh);
    if (!id || !fresh)
        return id;
    for (int i = 0; i < n; i++)
        ids[i] = function(p, s[i].function, s[i].file);
    size_t begin = oak__pb_begin(&p->out);
    oak__pb_number(&p->out, LOCATION_ID, id);
    oak__pb_number(&p->out, LOCATION_MAPPING, mapping_of(p, (uintptr_t)pc - 1));
    oak__pb_number(&p->out, LOCATION_ADDRESS, (uintptr_t)pc - 1);
    for (int i = 0; i < n; i++) {
        size_t line = oak__pb_begin(&p->out);
        oak__pb_number(&p->out, LINE_FUNCTION, ids[i]);
        oak__pb_number(&p->out, LINE_NUMBER, (uint64_t)s[i].line);
        if (ids[i])
            oak__pb_end(&p->out, LOCATION_LINE, line);
    }
    oak__pb_end(&p->out, PROFILE_LOCATION, begin);
    return id;
}

static void label(struct oak__pprof *p, const struct oak__pprof_label *l)
{
    const uint64_t key = string(p, l->key), str = string(p, l->str), unit = string(p, l->unit);
    if (!str && !l->number)
        return;
    size_t begin = oak__pb_begin(&p->out);
    oak__pb_number(&p->out, LABEL_KEY, key);
    oak__pb_number(&p->out, LABEL_STR, str);
    oak__pb_number(&p->out, LABEL_NUMBER, (uint64_t)l->number);
    oak__pb_number(&p->out, LABEL_UNIT, unit);
    oak__pb_end(&p->out, SAMPLE_LABEL, begin);
}

static bool add_map(const struct oak__map *m, void *arg)
{
    struct oak__pprof *p = arg;
    if (!m->executable || !m->path[0])
        return true;
    if (p->nmaps == p->maps_room) {
        size_t room = p->maps_room ? 2 * p->maps_room : 16;
        struct oak__map *more = oak__malloc(room * sizeof *more);
        if (!more) {
            p->failed = true;
            return false;
        }
        if (p->nmaps)
            memcpy(more, p->maps, p->nmaps * sizeof *more);
        oak__free(p->maps);
        p->maps = more;
        p->maps_room = room;
    }
    p->maps[p->nmaps++] = *m;
    return true;
}

/* Inlined frames are told, so pprof does not look for them in the file. */
static void mapping(struct oak__pprof *p, size_t i)
{
    const struct oak__map *m = &p->maps[i];
    const uint64_t file = string(p, m->path);
    size_t begin = oak__pb_begin(&p->out);
    oak__pb_number(&p->out, MAPPING_ID, i + 1);
    oak__pb_number(&p->out, MAPPING_START, m->lo);
    oak__pb_number(&p->out, MAPPING_LIMIT, m->hi);
    oak__pb_number(&p->out, MAPPING_OFFSET, m->offset);
    oak__pb_number(&p->out, MAPPING_FILE, file);
    oak__pb_number(&p->out, MAPPING_HAS_FUNCTIONS, true);
    oak__pb_number(&p->out, MAPPING_HAS_FILES, true);
    oak__pb_number(&p->out, MAPPING_HAS_LINES, true);
    oak__pb_number(&p->out, MAPPING_HAS_INLINED, true);
    oak__pb_end(&p->out, PROFILE_MAPPING, begin);
}

/* ---- the whole ---- */

void oak__pprof_begin(struct oak__pprof *p, const struct oak__pprof_type *types, size_t n,
                      const struct oak__pprof_type *period_type, int64_t period,
                      const struct oak__pprof_code *code)
{
    *p = (struct oak__pprof){.failed = false};
    int err = code ? code->each(add_map, p, code->source) : oak__maps_each(add_map, p);
    (void)err; /* without mappings the names are still there */
    value_type(p, PROFILE_PERIOD_TYPE, period_type);
    oak__pb_number(&p->out, PROFILE_PERIOD, (uint64_t)period);
    for (size_t i = 0; i < n; i++)
        value_type(p, PROFILE_SAMPLE_TYPE, &types[i]);
}

/* Of the runtime's insides only the call that the program has made is shown, under the name that it has there. */
struct stack {
    struct oak__pprof *p;
    uint64_t ids[MOST_FRAMES];
    size_t n;
    bool user;      /* a frame of the program has been met */
    uint64_t outer; /* the runtime's outermost frame above that */
};

/* Of the symbols at one place: where those begin that are shown. */
static int first_shown(struct oak__symbol *s, int n, const char **name)
{
    int first = 0, i = 0;
    *name = NULL;
    for (; i < n && s[i].runtime; i++) {
        const char *public = oak__print_public_name(s[i].function);
        first = public ? i : first;
        *name = public ? public : *name;
    }
    return *name || i == n ? first : i;
}

static NOINLINE void frame(struct stack *k, const void *pc)
{
    struct oak__symbol s[INLINED];
    const char *name;
    int n = oak__symbols_at(pc, OAK__PC_RETURN, s, INLINED);
    const int first = first_shown(s, n, &name);
    const bool runtime = s[n - 1].runtime;
    if (name && name != s[first].function)
        oak__symbol_copy(s[first].function, sizeof s[first].function, name);
    for (int i = first; i < n; i++)
        oak__print_strip_entry(s[i].function);
    if (runtime && k->user && !name)
        return;
    uint64_t id = location(k->p, pc, s + first, n - first);
    if (runtime && !k->user) {
        k->outer = name || !k->outer ? id : k->outer;
        return;
    }
    if (!k->user && k->outer)
        k->ids[k->n++] = k->outer;
    k->user = true;
    k->ids[k->n++] = id;
}

void oak__pprof_sample(struct oak__pprof *p, const void *const *pcs, size_t npcs, const int64_t *values,
                       size_t nvalues, const struct oak__pprof_label *labels, size_t nlabels)
{
    struct stack k = {.p = p};
    for (size_t i = 0; i < npcs && k.n + 1 < MOST_FRAMES; i++)
        frame(&k, pcs[i]);
    if (!k.n && k.outer)
        k.ids[k.n++] = k.outer;
    size_t begin = oak__pb_begin(&p->out);
    oak__pb_numbers(&p->out, SAMPLE_LOCATIONS, k.ids, k.n);
    oak__pb_numbers(&p->out, SAMPLE_VALUES, (const uint64_t *)values, nvalues);
    for (size_t i = 0; i < nlabels; i++)
        label(p, &labels[i]);
    oak__pb_end(&p->out, PROFILE_SAMPLE, begin);
}

static void free_ids(struct oak__pprof_ids *t)
{
    oak__free(t->keys);
    oak__free(t->ids);
}

int oak__pprof_end(struct oak__pprof *p, int64_t time, int64_t duration, struct oak__pb *file)
{
    for (size_t i = 0; i < p->nmaps; i++)
        mapping(p, i);
    oak__pb_number(&p->out, PROFILE_TIME, (uint64_t)time);
    oak__pb_number(&p->out, PROFILE_DURATION, (uint64_t)duration);
    oak__pb_bytes(&p->out, PROFILE_STRING, "", 0);
    for (size_t i = 0; i < p->ntexts; i++)
        oak__pb_bytes(&p->out, PROFILE_STRING, p->text[i], strlen(p->text[i]));
    *file = (struct oak__pb){.failed = p->failed || p->out.failed};
    oak__pb_gzip(file, p->out.data, p->out.n);
    for (size_t i = 0; i < p->ntexts; i++)
        oak__free(p->text[i]);
    oak__free(p->text);
    oak__free(p->maps);
    free_ids(&p->locations);
    free_ids(&p->functions);
    free_ids(&p->texts);
    oak__pb_free(&p->out);
    if (file->failed)
        oak__pb_free(file);
    return file->data ? 0 : -ENOMEM;
}
