#!/bin/sh
# The job of `rotate now` by hand, with aws-cli: read, make a value, put it,
# move the label, take the old one off. $1 is the secret.
set -eu
export AWS_PAGER=
old=$(aws secretsmanager get-secret-value --secret-id "$1" --version-stage AWSCURRENT --query VersionId --output text)
new=$(aws secretsmanager put-secret-value --secret-id "$1" --version-stages AWSPENDING \
	--secret-string "$(head -c 32 /dev/urandom | base64)" --query VersionId --output text)
aws secretsmanager update-secret-version-stage --secret-id "$1" --version-stage AWSCURRENT --move-to-version-id "$new" --remove-from-version-id "$old"
aws secretsmanager update-secret-version-stage --secret-id "$1" --version-stage AWSPENDING --remove-from-version-id "$new"
