package awssm

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/keyrotate/rotate/providers"
)

// List implements providers.Lister. It makes one call for each 100 secrets of the account in this region, and leaves
// out secrets that wait for their deletion. The listing has the labels, so rotate reads no value. AWS says that a
// listing may be up to 5 minutes behind.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
func (s *store) List(ctx context.Context) (all []providers.Listed, err error) {
	defer providers.Dress(&err, "list", s.region)
	if ctx.Err() != nil {
		return nil, failed(ctx, nil, false)
	}
	pages := secretsmanager.NewListSecretsPaginator(s.api, &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(ctx, err, false)
		}
		for _, secret := range page.SecretList {
			if takesName(aws.ToString(secret.Name)) {
				all = append(all, listed(secret))
			}
		}
	}
	slices.SortFunc(all, func(a, b providers.Listed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// listed is a secret as its listing shows it. Its note is that of the newest label.
// A secret whose first version has no label yet has it in its description.
func listed(secret types.SecretListEntry) providers.Listed {
	newest := parseLabel(strings.Fields(aws.ToString(secret.Description))...)
	for _, stages := range secret.SecretVersionsToStages {
		if l := parseLabel(stages...); l.seq > newest.seq {
			newest = l
		}
	}
	return providers.Listed{
		Name: aws.ToString(secret.Name), Note: newest.witness,
		Created: aws.ToTime(secret.CreatedDate), Written: aws.ToTime(secret.LastChangedDate),
	}
}
