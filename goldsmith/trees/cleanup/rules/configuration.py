"""Configuration as its package or its recipe wants it, without the build's own traces."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="configuration-leftovers",
        description=(
            "Copies beside configuration files below /etc that dpkg, ucf, rpm or an editor left: *.dpkg-*, "
            "*.ucf-*, *.rpmsave, "
            "*.rpmnew, *.rpmorig, *~, .*.sw?."
        ),
        source="Goldsmith",
        script=r"""
sweep /etc ! -type d \( -name '*.dpkg-old' -o -name '*.dpkg-dist' -o -name '*.dpkg-new' -o -name '*.dpkg-tmp' \
    -o -name '*.dpkg-bak' -o -name '*.dpkg-backup' -o -name '*.dpkg-remove' \
    -o -name '*.ucf-old' -o -name '*.ucf-dist' -o -name '*.ucf-new' \
    -o -name '*.rpmsave' -o -name '*.rpmnew' -o -name '*.rpmorig' -o -name '*~' -o -name '.*.sw[nop]' \)
""",
    ),
    Rule(
        name="policy-rc.d",
        description=(
            "/usr/sbin/policy-rc.d, with which a build keeps services from starting; in an instance it would, too. "
            "One that the recipe claims stays."
        ),
        source="Goldsmith",
        script="claimed /usr/sbin/policy-rc.d || remove /usr/sbin/policy-rc.d",
    ),
    Rule(
        name="apt-proxy",
        description=(
            "Proxy settings in /etc/apt/apt.conf and /etc/apt/apt.conf.d. A file that holds nothing else is removed; "
            "one that the recipe claims stays."
        ),
        source="Goldsmith",
        script=r"""
proxy='^[^/#]*Proxy[A-Za-z-]*(::[^[:space:]"]+)?[[:space:]]+"'
set -- /etc/apt/apt.conf /etc/apt/apt.conf.d/*
grep -qisE -e "$proxy" -- "$@" || return 0
for file; do
    if claimed "$file" || ! grep -qisE -e "$proxy" -- "$file"; then continue; fi
    edit "$proxy" 's/[A-Za-z:-]*Proxy[A-Za-z-]*(::[^[:space:]"]+)?[[:space:]]+"[^"]*"[[:space:]]*;?//Ig' "$file"
    if [ -f "$file" ] && ! grep -qvE '^[[:space:]]*(//.*|#.*)?$' "$file"; then remove "$file"; fi
done
""",
    ),
    Rule(
        name="apt-sources",
        description=(
            "Package sources that only the build could use: file:, copy:, cdrom: and loopback addresses are "
            "taken out of "
            "/etc/apt/sources.list and sources.list.d, user:password@ out of every address, "
            "and the logins of /etc/apt/auth.conf and auth.conf.d are removed."
        ),
        source="Goldsmith",
        script=r"""
remove /etc/apt/auth.conf
sweep /etc/apt/auth.conf.d -type f
set -- /etc/apt/sources.list /etc/apt/sources.list.d/*
login='://[^]/@[:space:]]+@'
edit "$login" 's#://[^]/@[:space:]]+@#://#g' "$@"
local='(mirror[+])?(file|copy|cdrom):|https?://(localhost|127\.[0-9.]+|\[::1\])[:/]'
for file; do
    case $file in
        *.list)
            edit "^[[:space:]]*deb.*[[:space:]]($local)" "\\%^[[:space:]]*deb.*[[:space:]]($local)%d" "$file"
            ;;
        *.sources)
            if [ -f "$file" ] && grep -qE "^URIs:.*($local)" "$file"; then
                kept=$(local=$local awk 'BEGIN { RS = ""; ORS = "\n\n"
                    uri = "(^|\n)URIs:[^\n]*(" ENVIRON["local"] ")" }
                    $0 !~ uri' "$file")
                if [ -n "$kept" ]; then printf '%s\n' "$kept" >"$file" && say '~' "$file"; else remove "$file"; fi
            fi
            ;;
    esac
done
""",
    ),
    Rule(
        name="changed-configuration",
        description=(
            "Puts back, from its package, every configuration file that dpkg says was changed since it was "
            "installed, except "
            "those the recipe claims. Needs the package archives. Off unless asked for, because "
            "what a component changes is nearly always meant."
        ),
        source="Goldsmith",
        default=False,
        order=-20,
        script=r"""
changed=$(dpkg-query --show --showformat='${Conffiles}\n' | sed -nE 's#^ (/.*) ([0-9a-f]{32})$#\2  \1#p' |
    md5sum --check --quiet 2>/dev/null | sed -n 's/: FAILED.*$//p')
packages=
IFS=$newline
for file in $changed; do
    claimed "$file" && continue
    owner=$(dpkg-query --search -- "$file") && rm -f -- "$file" || continue
    say '~' "$file"
    packages="$packages${owner%%:*}$newline"
done
if [ -n "$packages" ]; then
    apt-get --quiet update >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get --quiet --yes --reinstall --option Dpkg::Options::=--force-confmiss install $packages >&2
    for file in $changed; do [ -f "$file" ] || say ! "$file"; done
fi
unset IFS
""",
    ),
)
