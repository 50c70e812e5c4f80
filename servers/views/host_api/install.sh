#!/bin/sh
# Makes this machine a host of the site that serves this script: installs packages of Debian and the
# agent, joins, and starts the agent. The line that runs it is printed by "manage.py add_host NAME".
# Nothing is done before the last line has arrived.
set -eu

RELEASE='@VERSION@'
SHA256='@SHA256@'
HOME_DIR=/usr/local/lib/compute-site-agent
STATE_DIR=/var/lib/compute-site-agent
LOG=/var/log/compute-site-agent.log
UNIT=/etc/systemd/system/compute-site-agent.service
GUESTS_UNIT=/etc/systemd/system/libvirt-guests.service.d
APPARMOR=/etc/apparmor.d
PACKAGES='@PACKAGES@'
WITH_SYSTEMD='libvirt-daemon-system'

say() { echo "install.sh: $*"; }
fail() {
    echo "install.sh: $*" >&2
    exit 1
}

usage() {
    cat <<'TEXT'
usage: COMPUTE_SITE_JOIN_TOKEN=TOKEN sh install.sh --site URL [--ca-file FILE | --plain-http] [--set NAME=VALUE]...

Run it as root on Debian 12 or later. --ca-file names the certificates that the site's is checked with;
--plain-http lets a site on another machine go without TLS, on a network that is safe; --set gives settings
of the agent, such as --set uplink=br0. Without a token a machine that has joined gets the agent anew.
TEXT
}

# what the machine is

check_machine() {
    [ "$(id -u)" = 0 ] || fail 'only root can make this machine a host: run the line as root'
    system=$(about_system PRETTY_NAME)
    case $(about_system ID)-$(about_system VERSION_ID) in
    debian-[0-9] | debian-10 | debian-11) fail "hosts need Debian 12 or later; this is $system" ;;
    debian-*) ;;
    *) fail "hosts need Debian 12 or later; this is ${system:-another system}" ;;
    esac
    [ "$(uname -m)" = x86_64 ] || fail "hosts need a machine of x86_64; this is $(uname -m)"
    unshare --net true 2>/dev/null || fail 'this machine makes no network namespaces, which guests need'
    [ -n "$token" ] || [ -f $STATE_DIR/agent.json ] ||
        fail 'COMPUTE_SITE_JOIN_TOKEN is not set: use the line that add_host has printed'
}

# a value of os-release
about_system() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release 2>/dev/null || true; }

check_site() {
    case $site in
    https://*) return ;;
    http://127.* | http://localhost | http://localhost:* | 'http://[::1]'*) return ;;
    http://*) [ "$plain" = --plain-http ] || fail "$site has no TLS: who listens would have the token of this host" ;;
    *) fail "--site: give scheme and host, such as https://compute.example, not '$site'" ;;
    esac
}

has_systemd() { [ -d /run/systemd/system ]; }

# what is installed

install_packages() {
    wanted=$PACKAGES
    if has_systemd; then wanted="$wanted $WITH_SYSTEMD"; fi
    lacking=
    for package in $wanted; do
        state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) || state=
        case $state in ii*) ;; *) lacking="$lacking $package" ;; esac
    done
    if [ -z "$lacking" ]; then
        say 'all packages are there'
        return
    fi
    say "apt-get install$lacking"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update || fail 'the lists of packages could not be fetched'
    # shellcheck disable=SC2086 # several words
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $lacking > "$work/apt.log" 2>&1 ||
        { tail -15 "$work/apt.log" >&2; fail 'the packages could not be installed'; }
}

install_agent() {
    say "the agent of $site, release $RELEASE, goes to $HOME_DIR"
    # shellcheck disable=SC2086 # none or two words
    curl -fsS $secure ${ca_file:+--cacert "$ca_file"} -o "$work/agent.tar.gz" "$site/host/v1/agent.tar.gz" ||
        fail "the agent could not be fetched from $site"
    echo "$SHA256  $work/agent.tar.gz" | sha256sum -c --quiet ||
        fail 'the agent that came is not the one of this script; run the line again'
    mkdir "$work/new"
    tar -xzf "$work/agent.tar.gz" -C "$work/new" --no-same-owner
    cat > "$work/new/compute-site" <<LAUNCHER
#!/bin/sh
# what a host needs of compute-site: compute-site agent ...
[ "\${1:-}" = agent ] || { echo 'usage: compute-site agent probe|run|halt|join ...' >&2; exit 2; }
shift
PYTHONPATH=$HOME_DIR exec /usr/bin/python3 -m servers.agent "\$@"
LAUNCHER
    chmod -R u=rwX,go=rX "$work/new"
    chmod 755 "$work/new/compute-site"
    rm -rf $HOME_DIR.old
    if [ -d $HOME_DIR ]; then mv $HOME_DIR $HOME_DIR.old; fi
    mv "$work/new" $HOME_DIR
    rm -rf $HOME_DIR.old
    if [ ! -e /usr/local/bin/compute-site ]; then
        mkdir -p /usr/local/bin
        ln -s $HOME_DIR/compute-site /usr/local/bin/compute-site
    fi
}

# what it becomes

# the address of this machine towards the site
own_address() {
    host=${site#*://}
    host=${host%%/*}
    case $host in
    \[*) host=${host#\[} host=${host%%\]*} ;;
    *) host=${host%%:*} ;;
    esac
    target=$(getent ahosts "$host" | awk 'NR == 1 {print $1}')
    if [ -n "$target" ]; then
        ip -o route get "$target" | sed -n 's/.* src \([^ ]*\).*/\1/p'
    fi
}

agent_settings() {
    address=$(own_address)
    case $address in '' | 127.* | ::1) ;; *)
        echo "--set=tunnel_address=$address"
        echo "--set=migration_address=$address"
        ;;
    esac
    echo --set=network=bridge
    if has_systemd; then echo --set=pki_dir=/etc/pki; else echo --set=own_libvirtd=true; fi
    printf '%s' "$settings"
}

start_libvirt() {
    if has_systemd; then
        # else libvirtd ends together with the machine's other services, and guests cannot be shut down by then
        mkdir -p $GUESTS_UNIT
        printf '[Unit]\nAfter=libvirtd.service\n' > $GUESTS_UNIT/compute-site.conf
        systemctl daemon-reload
        systemctl --quiet enable --now libvirt-guests.service
        systemctl --quiet enable --now libvirtd.socket
    fi
    let_guests_see_cells
}

# QEMU looks which CPUs a NUMA cell has when it fills large pages of that cell; Debian 12 confines it so
# that it may not, and the guest would not start
let_guests_see_cells() {
    [ -f $APPARMOR/abstractions/libvirt-qemu ] || return 0
    rule='/sys/devices/system/node/node[0-9]*/cpumap r,'
    own=$APPARMOR/local/abstractions/libvirt-qemu
    mkdir -p "${own%/*}"
    grep -qsF "$rule" "$own" || echo "$rule" >> "$own"
}

join_site() {
    set --
    while read -r word; do set -- "$@" "$word"; done <<WORDS
$(agent_settings)
WORDS
    # said in words first: what is missing is seen here
    $HOME_DIR/compute-site agent probe --state-dir $STATE_DIR --hypervisor libvirt "$@" ||
        fail 'what is missing stands above; the token is still good'
    COMPUTE_SITE_JOIN_TOKEN=$token $HOME_DIR/compute-site agent join --site "$site" --state-dir $STATE_DIR \
        --hypervisor libvirt ${plain:+"$plain"} ${ca_file:+--ca-file "$ca_file"} "$@" ||
        fail 'this machine has not joined'
}

# other hosts send guests to this one: their libvirtd is let in by its certificate
listen_for_guests() {
    has_systemd && [ -f $STATE_DIR/pki/servercert.pem ] || return 0
    # it starts with a certificate that has ended, too: the agent needs it, and renews that
    grep -q '^tls_no_sanity_certificate' /etc/libvirt/libvirtd.conf ||
        echo 'tls_no_sanity_certificate = 1' >> /etc/libvirt/libvirtd.conf
    systemctl stop libvirtd.service
    systemctl --quiet enable --now libvirtd-tls.socket
    systemctl start libvirtd.service
}

start_agent() {
    if has_systemd; then
        cat > $UNIT <<'TEXT'
[Unit]
Description=Agent of compute-site: runs guests for it
Documentation=man:libvirtd(8)
Wants=network-online.target
# it ends before they do when the machine is shut down, and so does not take that for guests that power themselves off
After=network-online.target libvirtd.service libvirt-guests.service

[Service]
ExecStart=/usr/local/lib/compute-site-agent/compute-site agent run
Restart=always
RestartSec=5
# guests and DHCP servers outlive it
KillMode=process
TimeoutStopSec=90

[Install]
WantedBy=multi-user.target
TEXT
        systemctl daemon-reload
        systemctl --quiet enable compute-site-agent
        systemctl restart compute-site-agent
        say 'the agent runs, and starts with the machine: systemctl status compute-site-agent'
    elif agent_runs; then
        say 'an agent runs already, by the release before: end it and run'
        say "  compute-site agent run >> $LOG 2>&1 &"
    else
        setsid $HOME_DIR/compute-site agent run >> $LOG 2>&1 < /dev/null &
        say "the agent runs; it tells in $LOG. There is no systemd, so that nothing starts it with the machine:"
        say "  compute-site agent run >> $LOG 2>&1 &"
    fi
}

agent_runs() { [ -f $STATE_DIR/lock ] && ! flock -n $STATE_DIR/lock true; }

main() {
    site= plain= ca_file= settings= secure=
    token=${COMPUTE_SITE_JOIN_TOKEN:-}
    unset COMPUTE_SITE_JOIN_TOKEN
    while [ $# -gt 0 ]; do
        case $1 in
        --plain-http) plain=$1 ;;
        --help | -h) usage; exit 0 ;;
        --site | --ca-file | --set)
            [ $# -ge 2 ] || fail "$1 needs a value"
            case $1 in
            --site) site=${2%/} ;;
            --ca-file) ca_file=$2 ;;
            --set) settings="$settings--set=$2
" ;;
            esac
            shift
            ;;
        *) usage >&2; fail "there is no option $1" ;;
        esac
        shift
    done
    check_site
    check_machine
    if [ -n "$ca_file" ] && [ ! -r "$ca_file" ]; then fail "--ca-file: there is no file $ca_file"; fi
    case $site in https://*) secure='--proto =https' ;; esac
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    install_packages
    install_agent
    start_libvirt
    if [ -n "$token" ]; then
        ! agent_runs || fail 'an agent works on this machine: it has joined already'
        join_site
        listen_for_guests
    else
        say 'no token: the machine stays the host that it is'
    fi
    start_agent
}

main "$@"
