# The table that lsblk prints: one device a line comes in, its fields tab by tab (see /bin/lsblk).
function human(size,   unit, units) {
    units = "BKMGTPE"
    for (unit = 1; size >= 1024 && unit < 7; unit++) size /= 1024
    size = int(size * 10 + 0.5) / 10
    return (size == int(size) ? sprintf("%d", size) : sprintf("%.1f", size)) substr(units, unit, 1)
}
function trimmed(text) { sub(/^ +/, "", text); sub(/ +$/, "", text); return text }
function cell(name) {
    if (name == "NAME") return (list ? "" : $1) paths $2
    if (name == "KNAME") return paths $2
    if (name == "PATH") return "/dev/" $2
    if (name == "MAJ:MIN") return $3
    if (name == "RM") return $4
    if (name == "SIZE") return bytes ? sprintf("%.0f", $5 * 512) : human($5 * 512)
    if (name == "RO") return $6
    if (name == "TYPE") return $7
    if (name == "SERIAL") return trimmed($8)
    if (name == "MODEL") return trimmed($9)
    if (name == "VENDOR") return $10
    if (name == "REV") return trimmed($11)
    if (name == "HCTL") return $12
    if (name == "PKNAME") return $13
    if (name == "MOUNTPOINT" || name == "MOUNTPOINTS") return at["/dev/" $2]
    return ""
}
function line(row,   i, text, out) {
    for (i = 1; i <= count; i++) {
        text = table[row, i]
        if (raw) { out = out (i > 1 ? " " : "") text; continue }
        # Numbers to the right; the last column is not filled up unless it is one.
        if (name[i] ~ /^(RM|SIZE|RO)$/) out = out sprintf("%" width[i] "s", text)
        else out = out (i < count ? sprintf("%-" width[i] "s", text) : text)
        if (i < count) out = out " "
    }
    print out
}
BEGIN {
    known = " NAME KNAME PATH MAJ:MIN RM SIZE RO TYPE SERIAL MODEL VENDOR REV HCTL PKNAME MOUNTPOINT MOUNTPOINTS" \
        " FSTYPE FSVER LABEL UUID FSAVAIL FSUSE% TRAN "
    count = split(toupper(columns), name, ",")
    for (i = 1; i <= count; i++) {
        if (!index(known, " " name[i] " ")) {
            print "lsblk: unknown column: " name[i] >"/dev/stderr"
            status = 1
            exit
        }
        table[0, i] = name[i]
        width[i] = length(name[i])
    }
    while ((getline entry <mounts) > 0) {
        split(entry, words, " ")
        if (!(words[1] in at)) at[words[1]] = words[2]
    }
}
{
    rows++
    for (i = 1; i <= count; i++) {
        table[rows, i] = cell(name[i])
        if (length(table[rows, i]) > width[i]) width[i] = length(table[rows, i])
    }
}
END {
    if (status) exit status
    if (wanted && !rows) {
        print "lsblk:" wanted ": not a block device" >"/dev/stderr"
        exit 32
    }
    for (i = bare ? 1 : 0; i <= rows; i++) line(i)
}
