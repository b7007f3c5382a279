# Flattens a JSON document: one line "path<TAB>value" for each string or number, path parts joined by dots.
# Newlines inside strings become blanks. Enough for Nova's meta_data.json; read with RS set to a byte that
# no text holds, so that the document is one record.
function blank() { while (substr(text, at, 1) ~ /[ \t\r\n]/) at++ }
function word(  c, out) {
    at++
    out = ""
    while (at <= length(text)) {
        c = substr(text, at, 1)
        if (c == "\"") { at++; return out }
        if (c == "\\") {
            c = substr(text, ++at, 1)
            if (c == "u") { at += 4; c = "?" }
            else if (c ~ /[nrtbf]/) c = " "
        }
        out = out c
        at++
    }
    return out
}
function value(path,  c, key, n) {
    blank()
    c = substr(text, at, 1)
    if (c == "{" || c == "[") {
        at++
        n = 0
        while (at <= length(text)) {
            blank()
            if (substr(text, at, 1) ~ /[]}]/) { at++; return }
            if (substr(text, at, 1) == ",") { at++; continue }
            if (c == "{") { key = word(); blank(); at++ } else key = n++
            value(path == "" ? key : path "." key)
        }
    } else if (c == "\"") {
        print path "\t" word()
    } else {
        match(substr(text, at), /^[^],} \t\r\n]*/)
        if (RLENGTH < 1) { at++; return }
        print path "\t" substr(text, at, RLENGTH)
        at += RLENGTH
    }
}
{ text = $0; at = 1; value("") }
