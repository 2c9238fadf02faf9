# From public headers to Markdown: tools/reference runs this over all of them.
#
# A header is: a comment that introduces it; then entries, each a comment and the declarations that follow it up to the next
# comment; comments of the form "---- title: text ----" begin a section of entries; "what the macros stand on" ends what is
# public. Declarations of names with two underscores are the macros' own and left out.

function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }

# ---- text ----

# Identifiers and error values in `code`; what Markdown would take for markup escaped.
function mark(s,    out, token) {
    out = ""
    while (match(s, /`[^`]*`|oak_[a-z0-9_]+(\(([^()]|\([^()]*\))*\))?|OAK_[A-Z0-9_]+(=[a-z0-9]+)?|-E[A-Z0-9]+|SIG[A-Z]+|\*[a-z]+|<[a-z]+(\/[a-z]+)*\.h>/)) {
        token = substr(s, RSTART, RLENGTH)
        gsub(/`/, "", token)
        out = out escape(substr(s, 1, RSTART - 1)) "`" token "`"
        s = substr(s, RSTART + RLENGTH)
    }
    return out escape(s)
}

function escape(s) {
    gsub(/\*/, "\\*", s)
    gsub(/</, "\\&lt;", s)
    gsub(/_/, "\\_", s)
    return s
}

# The lines of a comment: paragraphs; lines that are indented by two or more stay as they are.
function print_text(lines, n,    i, fenced, line) {
    fenced = 0
    for (i = 1; i <= n; i++) {
        line = lines[i]
        if (line ~ /^  / && !fenced) {
            print (i > 1 && lines[i - 1] == "" ? "" : "\n") "```c"
            fenced = 1
        } else if (fenced && line !~ /^  / && line != "") {
            print "```\n"
            fenced = 0
        }
        if (fenced) {
            # An empty line inside stays inside only when more of the same follows.
            if (line == "" && lines[i + 1] !~ /^  /) {
                print "```\n"
                fenced = 0
            } else {
                sub(/^  (  )?/, "", line)
                print line
            }
        } else
            print mark(line)
    }
    if (fenced)
        print "```"
}

# ---- entries ----

function flush_entry(    i) {
    if (ndecl > 0) {
        print "\n#### " names "\n\n```c"
        for (i = 1; i <= ndecl; i++)
            print decl[i]
        print "```"
        if (ntext > 0) {
            print ""
            print_text(text, ntext)
        }
    } else if (ntext > 0 && !left_out) {
        print ""
        print_text(text, ntext)
    }
    ndecl = ntext = left_out = 0
    names = ""
}

function add_name(s) {
    if (s != "" && index(", " names ", ", ", `" s "`, ") == 0)
        names = names (names == "" ? "" : ", ") "`" s "`"
}

# The name that a declaration is about.
function name_of(d,    s) {
    s = d
    gsub(/__attribute__\(\([^;{]*\)\)/, "", s)
    if (s ~ /^#define/) {
        sub(/^#define[ \t]+/, "", s)
        sub(/[( \t].*/, "", s)
        return s
    }
    if (s ~ /^(struct|enum)[ \t]+[a-z_]*[ \t]*\{/) {
        sub(/[ \t]*\{.*/, "", s)
        return s == "enum" ? enum_name(d) : s
    }
    if (s ~ /^typedef struct [a-z_]+ \{/) {
        sub(/^typedef struct /, "", s)
        sub(/ \{.*/, "", s)
        return s
    }
    if (s ~ /^typedef/ && s !~ /[a-z_]\(/ || s ~ /^typedef oak_chan/) {
        sub(/;.*/, "", s)
        sub(/.*[ \t*]/, "", s)
        return s
    }
    if (match(s, /[a-z_0-9]+[ \t]*\(/)) {
        s = substr(s, RSTART, RLENGTH)
        sub(/[ \t]*\(/, "", s)
        return s
    }
    sub(/[ \t]*[;{].*/, "", s)
    return s
}

# An enum without a name goes by its first constant.
function enum_name(d) {
    sub(/^enum[ \t]*\{[ \t\n]*/, "", d)
    sub(/[^A-Z0-9_].*/, "", d)
    return d
}

# One whole declaration, lines joined by \n.
function declare(d,    name) {
    name = name_of(d)
    # After an empty line, without a comment: something else begins.
    if (gap && ndecl > 0)
        flush_entry()
    gap = 0
    left_out++
    if (name ~ /^(oak__|OAK__|OAKUM_.*_H$)/ || name ~ /(struct|enum) oak__/ || name == "errno")
        return
    if (d ~ /^#define/)
        d = macro(d)
    else
        d = plain(d)
    decl[++ndecl] = d
    add_name(name)
}

# A macro with arguments, or a long one, is used by its head; a value is shown.
function macro(d) {
    if (d !~ /^#define[ \t]+[A-Za-z_0-9]+\(/ && d !~ /__attribute__|\n|oak__|OAK__/)
        return d
    match(d, /^#define[ \t]+[A-Za-z_0-9]+(\([^)]*\))?/)
    d = substr(d, 1, RLENGTH)
    sub(/^#define[ \t]+/, "", d)
    return d
}

function plain(d) {
    # What is inside is not for users when its names say so.
    if (d ~ /^typedef struct [a-z_]+ \{.*oak__/)
        sub(/\{.*\}/, "{ ... }", d)
    gsub(/OAK_(API|MUST_CHECK|NORETURN)[ \t\n]*/, "", d)
    gsub(/[ \t\n]*OAK_PRINTF\([^)]*\)/, "", d)
    gsub(/__attribute__\(\(visibility\("default"\)\)\)[ \t]*/, "", d)
    gsub(/[ \t]+;/, ";", d)
    if (d ~ /^[^{]*\(/)
        gsub(/\n[ \t]+/, "\n        ", d)
    return d
}

# ---- the file ----

function comment_done(    i) {
    # A section's heading may be long.
    if (comment[1] ~ /^---- /)
        for (i = 2; i <= ncomment; i++)
            comment[1] = comment[1] " " comment[i]
    gap = 0
    if (comment[1] ~ /what the macros stand on/) {
        flush_entry()
        public = 0
    } else if (comment[1] ~ /^---- .* ----$/) {
        flush_entry()
        section(comment[1])
    } else {
        flush_entry()
        for (ntext = 1; ntext <= ncomment; ntext++)
            text[ntext] = comment[ntext]
        ntext = ncomment
        if (intro) {
            flush_entry()
            intro = 0
        }
    }
}

function section(s,    colon) {
    gsub(/^---- | ----$/, "", s)
    colon = index(s, ":")
    print "\n### " toupper(substr(s, 1, 1)) (colon ? substr(s, 2, colon - 2) : substr(s, 2))
    if (colon)
        print "\n" mark(toupper(substr(trim(substr(s, colon + 1)), 1, 1)) substr(trim(substr(s, colon + 1)), 2)) "."
}

function comment_line(s) {
    sub(/^[ \t]*\*?[ \t]?/, "", s)
    sub(/[ \t]+$/, "", s)
    return s
}

BEGIN {
    print "# Reference"
    print ""
    print "Written by `tools/reference` from the comments of the public headers: change those, then run it."
}

FNR == 1 {
    if (NR > 1)
        flush_entry()
    header = FILENAME
    sub(/^include\//, "", header)
    print "\n## <" header ">"
    public = 1
    intro = 1
    in_comment = in_decl = 0
}

!public { next }

in_comment {
    line = $0
    ended = sub(/[ \t]*\*\/.*$/, "", line)
    line = comment_line(line)
    if (!(ended && line == ""))
        comment[++ncomment] = line
    if (ended) {
        in_comment = 0
        comment_done()
    }
    next
}

!in_decl && /^[ \t]*\/\*/ {
    ncomment = 0
    delete comment
    line = $0
    sub(/^[ \t]*\/\*/, "", line)
    ended = sub(/[ \t]*\*\/.*$/, "", line)
    line = comment_line(line)
    if (line != "")
        comment[++ncomment] = line
    if (ended)
        comment_done()
    else
        in_comment = 1
    next
}

!in_decl && /^[ \t]*$/ { gap = 1; next }
!in_decl && /^[ \t]*#[ \t]*(include|if|ifdef|ifndef|else|elif|endif|undef)/ { next }
!in_decl && /^(OAK__BEGIN|OAK__END|extern "C"|\}$)/ { next }
/^[ \t]*#[ \t]*define/ && !in_decl { sub(/^[ \t]*#[ \t]*define/, "#define") }

{
    whole = in_decl ? whole "\n" $0 : $0
    code = $0
    gsub(/\/\*[^*]*\*\//, "", code)
    depth += gsub(/\{/, "{", code) - gsub(/\}/, "}", code)
    if (whole ~ /^#define/)
        in_decl = /\\$/
    else
        in_decl = !(depth == 0 && code ~ /(;|^\})[ \t]*$/)
    if (!in_decl) {
        depth = 0
        declare(whole)
    }
}

END { flush_entry() }
