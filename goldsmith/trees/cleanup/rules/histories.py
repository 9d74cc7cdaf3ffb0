"""What was typed during the build, and where."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="shell-histories",
        description="Histories of shells in every home: bash, zsh, ksh, ash, fish, tcsh, nu, PowerShell.",
        source="Goldsmith",
        script="""
for home; do
    remove "$home"/.bash_history "$home"/.bash_history-*.tmp "$home"/.bash_sessions "$home"/.sh_history \\
        "$home"/.ash_history \\
        "$home"/.ksh_history "$home"/.zsh_history "$home"/.zhistory "$home"/.histfile "$home"/.history \\
        "$home"/.local/share/fish/fish_history "$home"/.config/nushell/history.* \\
        "$home"/.local/share/powershell/PSReadLine
done
""",
    ),
    Rule(
        name="tool-histories",
        description=(
            "Histories of tools in every home: Python, IPython, node, irb, R, SQL shells, redis, mongo, gdb, "
            "less, vim, nano, "
            "wget, mc, sudo's note that it lectured, and the message-of-the-day note."
        ),
        source="Goldsmith",
        script="""
for home; do
    remove "$home"/.python_history "$home"/.ipython/profile_default/history.sqlite "$home"/.node_repl_history \\
        "$home"/.irb_history "$home"/.pry_history "$home"/.Rhistory "$home"/.php_history "$home"/.scala_history \\
        "$home"/.mysql_history "$home"/.mariadb_history "$home"/.psql_history "$home"/.sqlite_history \\
        "$home"/.rediscli_history "$home"/.mongorc_history "$home"/.dbshell "$home"/.mongodb/mongosh \\
        "$home"/.gdb_history "$home"/.lesshst "$home"/.local/state/lesshst "$home"/.viminfo "$home"/.vim/.netrwhist \\
        "$home"/.nano_history "$home"/.local/share/nano "$home"/.wget-hsts "$home"/.local/share/wget-hsts \\
        "$home"/.local/share/mc "$home"/.influx_history "$home"/.units_history "$home"/.calc_history \\
        "$home"/.sudo_as_admin_successful "$home"/.selected_editor "$home"/.motd_shown "$home"/.Xauthority \\
        "$home"/.ICEauthority "$home"/.xsession-errors "$home"/.local/share/recently-used.xbel
done
empty /var/lib/sudo/lectured /var/lib/sudo/ts
""",
    ),
    Rule(
        name="installer-records",
        description=(
            "What an installer wrote down, with its answers and passwords: /root/anaconda-ks.cfg, "
            "/root/original-ks.cfg, "
            "/root/preseed.cfg, /var/log/installer, /autoinst.xml."
        ),
        source="Goldsmith",
        script="""
remove /root/anaconda-ks.cfg /root/original-ks.cfg /root/initial-setup-ks.cfg /root/preseed.cfg /preseed.cfg \\
    /var/log/installer /var/log/anaconda /autoinst.xml /root/autoinst.xml
""",
    ),
    Rule(
        name="mail",
        description=(
            "Mail that the build caused: files in /var/mail and /var/spool/mail, Exim's and Postfix's queues."
        ),
        source="Goldsmith",
        script="""
for box in /var/mail /var/spool/mail; do sweep "$box" -type f; done
sweep /var/spool/exim4/input -type f
sweep /var/spool/exim4/msglog -type f
for queue in maildrop incoming active deferred hold corrupt; do sweep "/var/spool/postfix/$queue" -type f; done
""",
    ),
)
