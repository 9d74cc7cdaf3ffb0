"""Credentials that somebody was logged in with during the build."""

from __future__ import annotations

from goldsmith.trees.cleanup.rule import Rule

RULES = (
    Rule(
        name="cloud-credentials",
        description=(
            "Cloud logins of root and every home: .aws, .azure, .config/gcloud, .boto, .s3cfg, .kube, .oci, "
            ".aliyun, .bluemix, "
            ".config/doctl, .config/hcloud, .config/linode-cli, .config/openstack, .config/rclone, "
            ".passwd-s3fs, .vault-token, .databrickscfg, "
            "Terraform's and Pulumi's tokens."
        ),
        source="Goldsmith",
        script="""
for home; do
    remove "$home"/.aws "$home"/.azure "$home"/.config/gcloud "$home"/.boto "$home"/.s3cfg "$home"/.kube \\
        "$home"/.oci "$home"/.aliyun "$home"/.bluemix \\
        "$home"/.config/doctl "$home"/.config/hcloud "$home"/.config/linode-cli \\
        "$home"/.config/openstack "$home"/.config/rclone \\
        "$home"/.passwd-s3fs "$home"/.vault-token "$home"/.databrickscfg \\
        "$home"/.terraform.d/credentials.tfrc.json "$home"/.terraformrc "$home"/.pulumi/credentials.json
done
""",
    ),
    Rule(
        name="git-credentials",
        description=(
            "Logins to code hosts: .git-credentials, .config/git/credentials, .config/gh/hosts.yml, .config/hub, "
            ".config/glab-cli/config.yml, .netrc, .authinfo, and headers with a login in git's configuration."
        ),
        source="Goldsmith",
        script=r"""
for home; do
    remove "$home"/.git-credentials "$home"/.config/git/credentials "$home"/.config/gh/hosts.yml "$home"/.config/hub \
        "$home"/.config/glab-cli/config.yml "$home"/.netrc "$home"/.authinfo "$home"/.authinfo.gpg
    edit 'extraheader.*authorization' '/extraheader.*authorization/Id' "$home"/.gitconfig "$home"/.config/git/config
done
remove /etc/git-credentials
edit 'extraheader.*authorization' '/extraheader.*authorization/Id' /etc/gitconfig
""",
    ),
    Rule(
        name="registry-credentials",
        description=(
            "Logins to container registries: .docker/config.json, .dockercfg, .config/containers/auth.json, "
            "/etc/containers/auth.json, /var/lib/kubelet/config.json, Helm's registry logins."
        ),
        source="Goldsmith",
        script="""
for home; do
    remove "$home"/.docker/config.json "$home"/.dockercfg "$home"/.config/containers/auth.json \\
        "$home"/.config/helm/registry "$home"/.config/helm/registry.json
done
remove /etc/containers/auth.json /var/lib/kubelet/config.json
""",
    ),
    Rule(
        name="package-credentials",
        description=(
            "Logins to language package registries: .pypirc, .gem/credentials, .cargo/credentials*, "
            ".composer/auth.json, "
            ".nuget's keys, .huggingface; in .npmrc, .yarnrc and .yarnrc.yml only the lines with tokens and "
            "passwords."
        ),
        source="Goldsmith",
        script=r"""
npm='_auth|_password|npmAuth'
for home; do
    remove "$home"/.pypirc "$home"/.gem/credentials "$home"/.cargo/credentials "$home"/.cargo/credentials.toml \
        "$home"/.composer/auth.json "$home"/.config/composer/auth.json "$home"/.huggingface/token
    edit "$npm" "/$npm/Id" "$home"/.npmrc "$home"/.yarnrc "$home"/.yarnrc.yml
done
edit "$npm" "/$npm/Id" /etc/npmrc /usr/etc/npmrc /usr/local/etc/npmrc
""",
    ),
    Rule(
        name="database-credentials",
        description="Database logins (.pgpass, .my.cnf, .mylogin.cnf) and passwords that debconf was told.",
        source="Goldsmith",
        script="""
for home; do remove "$home"/.pgpass "$home"/.my.cnf "$home"/.mylogin.cnf; done
blank /var/cache/debconf/passwords.dat
""",
    ),
    Rule(
        name="secret-stores",
        description="GnuPG's secret keys and running sockets, pass's store, desktop key rings, in every home.",
        source="Goldsmith",
        script="""
for home; do
    remove "$home"/.gnupg/private-keys-v1.d "$home"/.gnupg/secring.gpg "$home"/.gnupg/S.* "$home"/.gnupg/random_seed \\
        "$home"/.password-store "$home"/.local/share/keyrings
done
""",
    ),
    Rule(
        name="url-passwords",
        description=(
            "user:password@ in the addresses of pip's, git's, npm's and yum's configuration: the login goes, "
            "the address stays."
        ),
        source="Goldsmith",
        script=r"""
login='://[^]/@:"[:space:]]*:[^]/@"[:space:]]+@'
strip='s#://[^]/@:"[:space:]]*:[^]/@"[:space:]]+@#://#g'
for home; do
    edit "$login" "$strip" "$home"/.gitconfig "$home"/.config/git/config "$home"/.config/pip/pip.conf \
        "$home"/.pip/pip.conf "$home"/.npmrc "$home"/.condarc "$home"/.wgetrc "$home"/.curlrc
done
edit "$login" "$strip" /etc/gitconfig /etc/pip.conf /etc/npmrc /etc/wgetrc /etc/environment /etc/yum.repos.d/*.repo \
    /etc/dnf/dnf.conf /etc/yum.conf
""",
    ),
)
