// A module of its own, so that Helm is in no build that ships.
// helm.sh builds it from here, for tests only.
module github.com/keyrotate/rotate/e2e/helm

go 1.26.0

require helm.sh/helm/v3 v3.22.0
