"""The job of `rotate now` as a script of boto3; argv[1] is the secret."""
import secrets
import sys

import boto3

name = sys.argv[1]
api = boto3.client("secretsmanager")
old = api.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["VersionId"]
new = api.put_secret_value(SecretId=name, SecretString=secrets.token_urlsafe(32), VersionStages=["AWSPENDING"])["VersionId"]
api.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old)
api.update_secret_version_stage(SecretId=name, VersionStage="AWSPENDING", RemoveFromVersionId=new)
