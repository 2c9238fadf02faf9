# Draws one plot of bench/growth.sh as SVG, both axes logarithmic. Reads lines of series, x, nanoseconds. Variables: plot
# (its name), cores. Each series is a solid line, what its theory says a dashed one of the same colour, through the
# points named below; so what is to be looked at is how far apart they run, not where they lie.

BEGIN {
    FS = "\t"
    title["goroutines"] = "Cost against the number of goroutines"
    title["select"] = "Cost of a select against the number of its channels"
    title["timers"] = "Cost of a timer against the number of timers"
    title["threads"] = "Cost against the number of procs (" cores " cores)"
    along["goroutines"] = "goroutines"
    along["select"] = "channels"
    along["timers"] = "timers"
    along["threads"] = "procs"

    say("grow_yield", "yield, all runnable", "flat")
    say("grow_park", "start, park, wake, end", "flat")
    say("grow_select", "select that parks", "linear")
    say("grow_select_ready", "select that finds a value", "linear")
    say("grow_timers", "arm and cancel one more", "flat")
    say("grow_fire", "arm and fire, processor time", "shared")
    say("yield", "yield, 4 a proc", "cores")
    say("spawn", "spawn, batches of 100", "flat")
    say("buffered", "buffered channel, one pair", "flat")
    say("mutex", "mutex, 8 contenders", "flat")
    split("#1b6ca8 #c0392b #1e8449 #7d3c98", colour, " ")

    TICKS = 15259 # of 65.5 us
    width = 720; height = 440; left = 70; right = 40; top = 40; bottom = 50
}

function say(series, words, theory) {
    label[series] = words
    theory_of[series] = theory
}

{
    if (!($1 in count))
        order[++nseries] = $1
    i = ++count[$1]
    x[$1, i] = $2
    y[$1, i] = $3
    at[$1, $2] = $3
    if (!xlow || $2 < xlow) xlow = $2
    if ($2 > xhigh) xhigh = $2
    if (!ylow || $3 < ylow) ylow = $3
    if ($3 > yhigh) yhigh = $3
}

function log10(v) { return log(v) / log(10) }
function floor(v) { return v < int(v) ? int(v) - 1 : int(v) }
function px(v) { return left + (width - left - right) * (log10(v) - log10(xlow)) / (log10(xhigh) - log10(xlow)) }
function py(v) { return height - bottom - (height - top - bottom) * (log10(v) - log10(ylow)) / (log10(yhigh) - log10(ylow)) }
function text(X, Y, anchor, words, more) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", X, Y, anchor, more, words
}

# flat: the middle of the first five points. linear: a start and a price each, from 1 and 100. shared: a price each
# (from the last), one for each tick of the second in which something fires (from 1000), and one for the whole (from 1).
# cores: as many at a time as there are cores.
function theory(s, v,    i, n, w, a, b, t) {
    t = theory_of[s]
    if (t == "flat") {
        n = count[s] < 5 ? count[s] : 5
        for (i = 1; i <= n; i++) {
            w[i] = y[s, i]
            for (a = i; a > 1 && w[a - 1] > w[a]; a--) {
                b = w[a]; w[a] = w[a - 1]; w[a - 1] = b
            }
        }
        return w[int((n + 1) / 2)]
    }
    if (t == "linear") {
        b = (at[s, 100] - at[s, 1]) / 99
        return at[s, 1] - b + b * v
    }
    if (t == "shared")
        return y[s, count[s]] + y[s, 1] / v + at[s, 1000] * (v < TICKS ? 1 : TICKS / v)
    return at[s, 1] / (v < cores ? v : cores)
}

function grid(    e, k, v) {
    for (e = floor(log10(ylow)); 10 ^ e <= yhigh * 1.0001; e++) {
        v = 10 ^ e
        printf "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", left, py(v), width - right, py(v)
        text(left - 8, py(v) + 4, "end", v >= 1e6 ? v / 1e6 " ms" : v >= 1000 ? v / 1000 " us" : v " ns", "")
    }
    for (e = 0; 10 ^ e <= xhigh; e++)
        for (k = 1; k < 10; k += plot == "threads" ? 1 : 9) {
            v = k * 10 ^ e
            if (v < xlow || v > xhigh)
                continue
            printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ddd\"/>\n", px(v), top, px(v), height - bottom
            text(px(v), height - bottom + 18, "middle", sprintf("%d", v), "")
        }
    text((left + width - right) / 2, height - 10, "middle", along[plot], "")
    text(left, 22, "start", title[plot], " font-size=\"15\" font-weight=\"bold\"")
}

function curve(n, s,    i) {
    printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour[n]
    for (i = 1; i <= count[s]; i++)
        printf "%.1f,%.1f ", px(x[s, i]), py(y[s, i])
    printf "\"/>\n<polyline fill=\"none\" stroke=\"%s\" stroke-dasharray=\"5 4\" points=\"", colour[n]
    for (i = 1; i <= count[s]; i++)
        printf "%.1f,%.1f ", px(x[s, i]), py(theory(s, x[s, i]))
    print "\"/>"
    for (i = 1; i <= count[s]; i++)
        printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", px(x[s, i]), py(y[s, i]), colour[n]
    text(left + 12, top + 18 * n, "start", label[s] " (theory: " theory_of[s] ")", " fill=\"" colour[n] "\"")
}

END {
    for (n = 1; n <= nseries; n++)
        for (i = 1; i <= count[order[n]]; i++) {
            v = theory(order[n], x[order[n], i])
            if (v < ylow) ylow = v
            if (v > yhigh) yhigh = v
        }
    # Whole decades, and one more on top for the words.
    ylow = 10 ^ floor(log10(ylow))
    yhigh = 10 ^ (floor(log10(yhigh)) + (nseries > 2 || plot != "select" ? 2 : 1))
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", width, height
    printf "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n", width, height
    grid()
    for (n = 1; n <= nseries; n++)
        curve(n, order[n])
    print "</svg>"
}
