"""Who may log in: nobody that the build needed and the image does not."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="build-accounts",
        description=(
            "User accounts of the build, with home, group, crontab and mail: packer, vagrant, imagebuilder "
            "and goldsmith-build; "
            "and, where the pipeline says `cleanup: {accounts: remove}`, every one with a uid from 1000 to 59999 "
            "that the parent image did not have. Otherwise an account that a component made is the "
            "recipe's own and stays."
        ),
        source="Goldsmith",
        order=-10,
        script=r"""
doomed=
while IFS=: read -r user _ uid _ _ home _; do
    case $user:$uid in '':* | *[!a-zA-Z0-9_.:-]* | *: | *:*[!0-9]*) continue ;; esac
    if among "$user" "$keep_users" || [ "$uid" -eq 0 ]; then continue; fi
    if among "$user" 'packer vagrant imagebuilder goldsmith-build' ||
        { [ -n "$baseline_users" ] && ! among "$user" "$baseline_users" &&
            [ "$uid" -ge 1000 ] && [ "$uid" -lt 60000 ]; }
    then
        doomed="$doomed $user"
        case $home in /home/?*) [ "$home" = "/home/${home##*/}" ] && [ "${home##*/}" != .. ] && remove "$home" ;; esac
    fi
done </etc/passwd
for user in $doomed; do
    userdel --force -- "$user" >&2
    remove "/var/mail/$user" "/var/spool/cron/crontabs/$user" "/var/spool/cron/$user" "/etc/sudoers.d/$user" \
        "/etc/sudoers.d/90-$user" "/var/lib/systemd/linger/$user"
    if grep -q "^$user:" /etc/passwd; then say ! "/etc/passwd: $user"; else say - "/etc/passwd: $user"; fi
done
""",
    ),
    Rule(
        name="locked-root",
        description=(
            "Root's password becomes * in /etc/shadow: nobody logs in with it, and no hash of it is given away."
        ),
        source="Goldsmith",
        script=r"""
if [ -f /etc/shadow ]; then
    while IFS=: read -r user password _; do
        case $user:$password in
            'root:*' | 'root:!' | 'root:!*' | 'root:!!') ;;
            root:*) edit '^root:([^*!:]|[*!]+[^*!:]|:)' 's/^root:[^:]*:/root:*:/' /etc/shadow ;;
        esac
    done </etc/shadow
fi
edit '^root:([^x:]|x[^:]|:)' 's/^root:[^:]*:/root:x:/' /etc/passwd
""",
    ),
    Rule(
        name="account-backups",
        description=(
            "Old copies of the account files, with old hashes: /etc/passwd-, shadow-, group-, gshadow-, "
            "subuid-, subgid-."
        ),
        source="Goldsmith",
        script="remove /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.pwd.lock",
    ),
)
