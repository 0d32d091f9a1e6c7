// A module of its own, so that nothing of Vault (BUSL 1.1) is in the module that ships.
// vault.sh builds the server from it, for tests only.
module github.com/keyrotate/rotate/e2e/vault

go 1.26.0

require github.com/hashicorp/vault v1.21.0

require (
	github.com/godbus/dbus v4.1.0+incompatible // indirect
	github.com/gsterjov/go-libsecret v0.0.0-20161001094733-a6f4afe4910c // indirect
)

replace github.com/hashicorp/vault/sdk => github.com/hashicorp/vault/sdk v0.20.0
