# shellcheck shell=bash disable=SC2154 # cache, work and begun are of lib.sh
# What vault.sh and bao.sh have in common: papers for a listener with TLS, and the tests.

# listener PORT: a certificate for 127.0.0.1, and the config of a listener there, in $work.
listener() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=rotate-test \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$work/tls.key" -out "$work/tls.pem" 2>/dev/null
	cat >"$work/tls.hcl" <<-HCL
		listener "tcp" {
		  address       = "127.0.0.1:$1"
		  tls_cert_file = "$work/tls.pem"
		  tls_key_file  = "$work/tls.key"
		}
	HCL
}

# tests PORT TLS_PORT ARGUMENTS…: the suite, a life, logins, and readers of a value.
tests() {
	local names
	names=$(compgen -e | grep -E '^(VAULT|BAO)_' | sed 's/^/-u /' || true)
	# shellcheck disable=SC2086
	run env $names ROTATE_VAULT="http://127.0.0.1:$1" ROTATE_VAULT_TLS="https://127.0.0.1:$2" ROTATE_VAULT_CA="$work/tls.pem" \
		go test -count=1 -timeout 10m -run "${RUN:-^TestReal$}" "${@:3}" ./providers/vaultkv
	# shellcheck disable=SC2086
	run env $names ROTATE_VAULT="http://127.0.0.1:$1" go test -count=1 -v -run "${RUN:-^TestValueReadersOnServers$}" "${@:3}" ./cmd/rotate
}
