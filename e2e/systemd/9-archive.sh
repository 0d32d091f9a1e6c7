# The archive, where there is no package: it goes on with the keys that are there.
page=install-packages.md
inside cp /mnt/"$(basename "$work"/mnt/*.tar.gz)" /root
as_page "Any Linux, from the archive" /root
page=install-systemd.md
as_page "Name your keys and start"
same "$before" kid current || die "installed anew, from the archive, the key is another"
inside readlink "/proc/$(property rotate.service MainPID)/exe" | grep -qx /usr/local/bin/rotate || die "another program runs"
inside systemctl stop rotate
same success property rotate.service Result || die "the daemon failed to stop"
ok "installed from the archive, it goes on with the key"
