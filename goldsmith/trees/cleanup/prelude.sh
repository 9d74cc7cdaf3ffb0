# The words that cleanup rules are written in. POSIX sh; builtins wherever possible, since a fork costs 2 ms.
# Records go to descriptor 3, each ended by NUL: "=rule" begins one, "/why" skips it, "-path" was removed,
# "~path" was reset, "!path" could not be, "." is the end.

LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
newline='
'

say() {
    printf '%s%s\0' "$1" "$2" >&3
}

present() {
    [ -e "$1" ] || [ -L "$1" ]
}

# begin NAME FLAG: true when no skip file of that name stands in the working directory.
begin() {
    say = "$1"
    [ -z "$2" ] || ! present "$working/$2" || { say / "the file $working/$2 exists"; return 1; }
}

# remove PATH...: files, links and whole folders; a link is removed, never what it points to.
remove() {
    for path; do
        shift
        if present "$path"; then set -- "$@" "$path"; fi
    done
    [ $# -gt 0 ] || return 0
    rm -rf -- "$@"
    for path; do
        if present "$path"; then say ! "$path"; else say - "$path"; fi
    done
}

# sweep FOLDER TEST...: remove what find's tests choose below the folder, which stays. A linked folder is left alone.
sweep() {
    if [ -L "$1" ] || ! [ -d "$1" ]; then return 0; fi
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        if present "$entry"; then
            folder=$1
            shift
            find "$folder" -xdev -depth -mindepth 1 "$@" \( -delete -printf '-%p\0' -o -printf '!%p\0' \) >&3 || say ! "$folder"
            return 0
        fi
    done
}

# empty FOLDER...: remove everything below the folders, which stay.
empty() {
    for each; do sweep "$each"; done
}

# blank FILE...: cut files to nothing; owner and mode stay. A linked file is left alone.
blank() {
    for path; do
        if [ -f "$path" ] && [ -s "$path" ] && ! [ -L "$path" ]; then
            if printf '' >"$path"; then say '~' "$path"; else say ! "$path"; fi
        fi
    done
}

# edit PATTERN SCRIPT FILE...: run a sed script over the files that match, which must not match afterwards.
edit() {
    pattern=$1 script=$2
    shift 2
    for path; do
        if [ -f "$path" ] && ! [ -L "$path" ] && grep -qiE -e "$pattern" -- "$path"; then
            sed -i -E -e "$script" -- "$path"
            if grep -qiE -e "$pattern" -- "$path"; then say ! "$path"; else say '~' "$path"; fi
        fi
    done
}

# claimed PATH: true when the recipe claims the file as its own.
claimed() {
    case "$newline$claims$newline" in *"$newline$1$newline"*) return 0 ;; esac
    return 1
}

# among NAME LIST: true when the list of words has that name.
among() {
    case " $2 " in *" $1 "*) return 0 ;; esac
    return 1
}
