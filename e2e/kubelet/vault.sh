# Keys in the real Vault, which asks the API server whose token it is shown: the overlay
# of Kustomize and its Job and CronJob, then the chart with an audience of its own and
# TLS. kubelet.sh sources it, in its node.
vault_server
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=vault -addext subjectAltName=IP:10.9.0.1 \
	-keyout "$work/vault.key" -out "$work/vault.crt" 2>/dev/null
printf 'listener "tcp" {\n address = "10.9.0.1:8243"\n tls_cert_file = "%s"\n tls_key_file = "%s"\n}\n' "$work/vault.crt" "$work/vault.key" >"$work/vault.hcl"
start vault "$vault" server -dev -dev-no-store-token -dev-root-token-id=root -dev-listen-address=0.0.0.0:8200 -config="$work/vault.hcl"
ready vault grep -q 'Development mode should NOT' "$work/vault.log"
ready vault open 8200
vault() { HOME=$work VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=root "$vault" "$@"; }

# As docs/providers/vaultkv.md has it, but that Vault is beside the cluster: it has a
# reviewer's token and the authority of the API server from here.
awk '/^```hcl$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/providers/vaultkv.md >"$work/rotate.hcl"
vault policy write rotate "$work/rotate.hcl" >/dev/null
vault auth enable kubernetes >/dev/null
kubectl -n default create serviceaccount vault >/dev/null
kubectl create clusterrolebinding vault --clusterrole=system:auth-delegator --serviceaccount=default:vault >/dev/null
vault write auth/kubernetes/config kubernetes_host=https://10.0.0.1:443 kubernetes_ca_cert=@"$work/certs/apiserver.crt" \
	token_reviewer_jwt="$(kubectl -n default create token vault)" disable_local_ca_jwt=true >/dev/null
login() { # OPTION…: the role that the page makes
	vault write auth/kubernetes/role/rotate bound_service_account_names=rotate bound_service_account_namespaces=rotate token_policies=rotate token_ttl=1h "$@" >/dev/null
}
field() { vault kv get -mount=secret -field="$1" rotate/production-auth-jwt; }
apply() { # FOLDER
	in_page "$1" kubectl apply --server-side -k . >"$work/said" 2>&1 || die "the overlay vault: $(cat "$work/said")"
}

login
mkdir "$work/page/vault-rotate"
cat >"$work/page/vault-rotate/kustomization.yaml" <<'YAML'
resources: ["https://github.com/keyrotate/rotate//deploy/kubernetes/overlays/vault?ref=v0.1.0"]
components: [../shop-rotate/image]
configMapGenerator:
- {name: rotate, namespace: rotate, behavior: replace, files: [rotate.yaml], options: {disableNameSuffixHash: true}}
YAML
sed -e 's|address: "https://vault.example.com:8200"|address: "http://10.9.0.1:8200", plaintext: true|' -e 's|{store: main}|{store: main, propagation: 0s}|' \
	deploy/kubernetes/overlays/vault/rotate.yaml >"$work/page/vault-rotate/rotate.yaml"
apply vault-rotate
kubectl -n rotate rollout status deployment/rotate --timeout=120s >/dev/null
eventually 30 rotate status auth-jwt
before=$(field current)
test -n "$before" || die "Vault has no key"
test "$(kubectl auth can-i get secrets -n rotate --as=system:serviceaccount:rotate:rotate)" = no || die "the overlay vault leaves rights to Secrets"
kubectl -n rotate get role -o name | grep . && die "the overlay vault leaves a Role"
rotate validate --probe >"$work/said" 2>&1 || die "the probe of the overlay vault: $(cat "$work/said")"
if grep -q 'more than it needs' "$work/said"; then die "the page's policy is not the least: $(cat "$work/said")"; fi
lap "Kustomize, overlays/vault: pods log in to the real Vault by their own tokens, without a right in the cluster"

kubectl -n rotate delete job rotate-now --ignore-not-found >/dev/null
apply shop-rotate/now
kubectl -n rotate wait --for=condition=Complete job/rotate-now --timeout=120s >/dev/null
test "$(field previous)" = "$before" || die "the Job did not rotate the key in Vault"
lap "Kustomize, overlays/vault: the Job rotates"

sed -i 's|^components: .*|components: [../shop-rotate/image, "https://github.com/keyrotate/rotate//deploy/kubernetes/components/once?ref=v0.1.0"]|' "$work/page/vault-rotate/kustomization.yaml"
in_page vault-rotate kubectl -n rotate delete deployment/rotate service/rotate pdb/rotate >/dev/null
apply vault-rotate
kubectl -n rotate create job try --from=cronjob/rotate >/dev/null
kubectl -n rotate wait --for=condition=Complete job/try --timeout=120s >/dev/null
kubectl -n rotate logs job/try | grep '^auth-jwt: ' >/dev/null || die "the CronJob says: $(kubectl -n rotate logs job/try)"
in_page vault-rotate kubectl delete --wait -k . >/dev/null
lap "Kustomize, overlays/vault with components/once: the CronJob"

# The chart's own set of values, with this Vault's address. Its token is for the audience
# vault, and no other is taken.
login audience=vault
before=$(field current)
kubectl -n rotate create configmap vault-ca --from-file=ca.crt="$work/vault.crt" >/dev/null
in_page . helm -n rotate install rotate "$PWD/deploy/helm/rotate" -f "$PWD/deploy/helm/rotate/ci/vault-values.yaml" --set image.tag=v0.1.0 \
	--set config.stores.main.address=https://10.9.0.1:8243 --wait --timeout 2m >"$work/said" 2>&1 || die "the chart with Vault: $(cat "$work/said")"
eventually 30 rotate status auth-jwt
test "$(field current)" = "$before" || die "the chart does not go on with the key in Vault"
rotate now auth-jwt >"$work/said" 2>&1 || test $? = 3 || die "$(cat "$work/said")"
in_page . helm -n rotate test rotate >"$work/said" 2>&1 || die "the chart's test with Vault: $(cat "$work/said")"
in_page . helm -n rotate uninstall rotate --wait >/dev/null
test "$(field current)" = "$before" || die "uninstall took the key in Vault"
lap "the chart with Vault: TLS by a private authority, a projected token for the audience vault; it goes on with the same key"
