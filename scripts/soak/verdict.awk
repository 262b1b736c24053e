# Compares, for every life of every daemon, its first rest after a minute with its last ones.
#
# Threads, descriptors and sockets must be the same. Resident memory may grow by 2 % or 2 MiB,
# whichever is more: the allocator keeps what short-lived buffers once needed, and the bounded
# tables (1,000 ended jobs, 4,096 greeted clients) still fill. The end is the least of the last three
# rests: some rests find a job's cache, some MiB, that lies too deep in the heap to be returned, and
# the next one does not. A leak is in all of them. The slope is that of all rests, in KiB per minute.
# Columns: seconds, phase, name, life, age, resident, private dirty, threads, descriptors, sockets.

BEGIN {
    first_age = 50
    printf "%-14s %4s %6s %21s %21s %9s %9s %9s %9s  %s\n", "daemon", "life", "age s",
        "resident KiB", "private dirty KiB", "slope", "threads", "files", "sockets", "verdict"
}

$2 == "rest" && $5 >= first_age {
    life = $3 "," $4
    if (!(life in count)) order[++lives] = life
    n = ++count[life]
    # The last sample of a rest counts, so those of one rest replace each other.
    if (n > 1 && $1 - when[life] < 20) {
        n = count[life] = count[life] - 1
    }
    when[life] = $1
    age[life] = $5
    for (column = 6; column <= 10; column++) {
        value[life, n, column] = $column
    }
    minute[life, n] = $1 / 60
}

# Least squares over all rests.
function slope(life, n,    i, sx, sy, sxx, sxy, x, y) {
    for (i = 1; i <= n; i++) {
        x = minute[life, i]; y = value[life, i, 6]
        sx += x; sy += y; sxx += x * x; sxy += x * y
    }
    return n * sxx == sx * sx ? 0 : (n * sxy - sx * sy) / (n * sxx - sx * sx)
}

# The least of the last three rests, of which the first one of all is none.
function least(life, n, column,    i, result) {
    result = value[life, n, column]
    for (i = n - 1; i > 1 && i > n - 3; i--) {
        if (value[life, i, column] < result) result = value[life, i, column]
    }
    return result
}

function pair(life, n, column) {
    return value[life, 1, column] " > " (column < 8 ? least(life, n, column) : value[life, n, column])
}

END {
    failed = lives == 0
    for (i = 1; i <= lives; i++) {
        life = order[i]
        n = count[life]
        split(life, part, ",")
        verdict = "same"
        if (n < 2) {
            verdict = "too short"
        } else {
            growth = least(life, n, 6) - value[life, 1, 6]
            allowed = value[life, 1, 6] * 0.02
            if (allowed < 2048) allowed = 2048
            if (growth > allowed) verdict = "GREW"
            for (column = 8; column <= 10; column++) {
                if (value[life, 1, column] != value[life, n, column]) verdict = "DIFFERS"
            }
        }
        if (verdict ~ /^[A-Z]+$/) failed = 1
        printf "%-14s %4s %6s %21s %21s %9.1f %9s %9s %9s  %s\n", part[1], part[2], age[life],
            pair(life, n, 6), pair(life, n, 7), slope(life, n), pair(life, n, 8),
            pair(life, n, 9), pair(life, n, 10), verdict
    }
    exit failed
}
