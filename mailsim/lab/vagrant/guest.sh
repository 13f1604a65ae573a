#!/bin/sh
# Makes a root file system a machine that Vagrant can log in to; runs in it, once, at a box's build.
set -eu

# A name like any other: the roles give the lab's.
echo localhost > /etc/hostname
# Each machine makes its own.
: > /etc/machine-id
rm -f /etc/ssh/ssh_host_*

useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/vagrant
chmod 0440 /etc/sudoers.d/vagrant
# The key that everyone knows: Vagrant takes it away at the first `vagrant up`.
install -d -m 0700 -o vagrant -g vagrant /home/vagrant/.ssh
install -m 0600 -o vagrant -g vagrant /usr/lib/mailsim/box/authorized_keys /home/vagrant/.ssh/authorized_keys
mkdir -p /etc/ssh/sshd_config.d
cat > /etc/ssh/sshd_config.d/10-vagrant.conf <<'SSH'
# Vagrant's own SSH client signs as old ones do.
PubkeyAcceptedAlgorithms +ssh-rsa
UseDNS no
PasswordAuthentication no
SSH
cat > /etc/systemd/system/ssh-host-keys.service <<'UNIT'
[Unit]
Description=This machine's own SSH keys
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=ssh.service
UNIT
cat > /etc/systemd/network/10-eth0.network <<'NETWORK'
# The provider's network is for Vagrant; names are the lab's own.
[Match]
Name=eth0

[Network]
DHCP=ipv4
LinkLocalAddressing=no

[DHCPv4]
UseDNS=no
UseNTP=no
UseHostname=no
NETWORK
SYSTEMD_OFFLINE=1 systemctl --quiet enable ssh-host-keys.service systemd-networkd.service ssh.service
SYSTEMD_OFFLINE=1 systemctl --quiet mask systemd-networkd-wait-online.service

printf 'LABEL=root / ext4 defaults,noatime 0 1\n' > /etc/fstab
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /usr/share/doc/*/changelog*
