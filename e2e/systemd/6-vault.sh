# A token of Vault as a credential, with the fixed user and without one. In place of
# Vault is the fake that the tests of its adapter use; it refuses a wrong token.
inside systemd-run --quiet --unit=vaultfake /mnt/vaultfake 127.0.0.1:8200
echo root >"$work/mnt/vault-token"
configure <<'END'
environment: test
stores:
  vault: {type: vaultkv, address: "http://127.0.0.1:8200", path: rotate, auth: {token_file: /run/rotate/vault-token}}
defaults: {store: vault, grace: 10s, propagation: 0s, sync: 1s, grace_bounds: {min: 1s, max: 1m}}
keys: {auth-jwt: {}}
END
grep -q 'token_file: /run/rotate/vault-token' docs/$page || die "docs/$page names another token_file"
inside rm -r /etc/systemd/system/rotate.service.d /etc/systemd/system/rotate-.service.d
as_page "Give the service a token of Vault"
# since_start TEXT: the daemon that runs now has said it.
since_start() {
	inside journalctl "_SYSTEMD_INVOCATION_ID=$(property rotate.service InvocationID)" -o cat --no-pager | grep -q -- "$1"
}
in_vault() {
	inside systemctl restart rotate
	same active property rotate.service ActiveState || die "the daemon does not run with the store in Vault"
	inside systemctl start "rotate-now@$key" || { inside journalctl --no-pager -o cat -u "rotate-now@$key" >&2; die "rotate-now@ has no token, $1"; }
	within 40 "the daemon removes the previous key in Vault, $1" since_start "store=vault .*action=retire"
	ok "the daemon and rotate-now@ read the token, $1"
}
in_vault "with the fixed user"
if inside runuser -u rotate -- cat /etc/rotate/vault-token 2>/dev/null; then die "the user of the service can read root's file"; fi

as_page "Have no fixed user"
in_vault "with a user made up"
user=$(inside stat -c %u "/proc/$(property rotate.service MainPID)")
test "$user" -ge 61184 -a "$user" -le 65519 || die "the daemon runs as user $user, not as one that systemd made up"
same "rotate" inside stat -c %U /var/lib/rotate || die "the made-up user took /var/lib/rotate over"
inside rm -r /etc/systemd/system/rotate.service.d /etc/systemd/system/rotate-.service.d
inside systemctl daemon-reload
ok "DynamicUser: user $user"
