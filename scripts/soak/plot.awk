# Draws the resident memory of each daemon over time as SVG, one line per daemon; a dot is a rest.
# Columns as in verdict.awk.

function x_of(seconds) { return 60 + seconds / last * 820 }
function y_of(kib) { return 360 - kib / most * 320 }

{
    if (!($3 in colour)) {
        colour[$3] = substr("#1f77b4#d62728#2ca02c#ff7f0e#9467bd#8c564b", 1 + names % 6 * 7, 7)
        order[++names] = $3
    }
    rows++
    time[rows] = $1; phase[rows] = $2; name[rows] = $3; life[rows] = $4; resident[rows] = $6
    if ($1 > last) last = $1
    if ($6 > most) most = $6
}

END {
    print "<svg xmlns='http://www.w3.org/2000/svg' width='920' height='400' font-family='sans-serif'>"
    print "<rect width='920' height='400' fill='white'/>"
    for (line = 0; line <= 4; line++) {
        kib = most * line / 4
        printf "<path d='M60 %.1fH880' stroke='#ddd'/>", y_of(kib)
        printf "<text x='52' y='%.1f' font-size='11' text-anchor='end'>%.0f MiB</text>\n", \
            y_of(kib) + 4, kib / 1024
    }
    for (i = 1; i <= rows; i++) {
        key = name[i]
        move = life[i] == drawn[key] ? "L" : "M"
        drawn[key] = life[i]
        path[key] = path[key] sprintf("%s%.1f %.1f", move, x_of(time[i]), y_of(resident[i]))
        if (phase[i] == "rest") {
            dots[key] = dots[key] sprintf("<circle cx='%.1f' cy='%.1f' r='2'/>", \
                x_of(time[i]), y_of(resident[i]))
        }
    }
    for (i = 1; i <= names; i++) {
        key = order[i]
        printf "<path d='%s' fill='none' stroke='%s'/>\n", path[key], colour[key]
        printf "<g fill='%s'>%s<text x='%d' y='392' font-size='12'>%s</text></g>\n", \
            colour[key], dots[key], 60 + (i - 1) * 120, key
    }
    printf "<text x='880' y='376' font-size='11' text-anchor='end'>%d s</text></svg>\n", last
}
