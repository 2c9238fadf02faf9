# Turns results into the rows of one job at one number of procs. Reads, in this order: the results (who procs
# figure value), the failures (who procs job reason, by tabs), jobs.txt's lines. Variables: job, procs, form
# (table, json, or head for the heading alone), twins (empty: no Go to compare with).

function median(who, figure,    n, i, j, v, a) {
    n = count[who, figure]
    if (!n)
        return ""
    for (i = 1; i <= n; i++)
        a[i] = value[who, figure, i]
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && a[j - 1] > a[j]; j--) {
            v = a[j]
            a[j] = a[j - 1]
            a[j - 1] = v
        }
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

# Four digits that count, the way people read them.
function plain(x) {
    if (x == "")
        return "-"
    return sprintf(x >= 1000 ? "%.0f" : x >= 100 ? "%.1f" : x >= 10 ? "%.2f" : "%.3f", x)
}

function or_null(x) {
    return x == "" ? "null" : sprintf("%.6g", x)
}

function row(figure, unit, more,    mine, theirs, ratio, why) {
    mine = median("oakum", figure)
    theirs = median("go", figure)
    ratio = ""
    if (mine > 0 && theirs > 0)
        ratio = more ? mine / theirs : theirs / mine
    why = failed["oakum"] ? "oakum: " failed["oakum"] : ""
    if (failed["go"])
        why = why (why ? "; " : "") "go: " failed["go"]
    if (!why && (mine == "" || (twins && theirs == "")))
        why = "the program printed no such figure"
    if (form == "json")
        printf json, figure, procs, or_null(mine), or_null(theirs), unit, or_null(ratio),
            why ? ",\"failed\":\"" why "\"" : ""
    else
        printf layout "%s\n", figure, procs, plain(mine), plain(theirs), unit,
            ratio == "" ? "-" : sprintf("%.2f", ratio), why ? "  FAILED: " why : ""
    if (why)
        bad = 1
}

BEGIN {
    json = "{\"job\":\"%s\",\"procs\":%d,\"oakum\":%s,\"go\":%s,\"unit\":\"%s\",\"ratio\":%s%s}\n"
    layout = "%-14s %5s %10s %10s  %-7s %6s"
    if (form == "head") {
        printf layout "\n", "job", "procs", "oakum", "go", "unit", "ratio"
        exit
    }
}
FILENAME == "-" {
    if ($1 == job)
        row($1, $2, $3 == "more")
    else if ($4 == "from" && $5 == job)
        row($1, $2, $3 == "more")
    next
}
FILENAME ~ /failures$/ {
    split($0, part, "\t")
    if (part[2] == procs && part[3] == job)
        failed[part[1]] = part[4]
    next
}
$2 == procs {
    value[$1, $3, ++count[$1, $3]] = $4
}
END {
    fflush()
    exit bad
}
