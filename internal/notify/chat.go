package notify

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxText is what a chat takes in one message, in characters: Discord has the least
// of those that take Slack's form, 2,000.
const maxText = 1900

// chat is a message for people, in the form of a chat.
//
// Text from elsewhere, such as a vendor's error, may stand in it. Slack takes
// <!channel> and links in angle brackets for its own, so &, < and > are written as
// entities, as Slack asks; and no @ may call anyone, so an invisible space follows
// it. A RichTextBlock of Teams knows no markup.
func chat(f Format, text string) []byte {
	text = shortened(text)
	var form any
	switch f {
	case Teams:
		type object map[string]any
		form = object{"type": "message", "attachments": []object{{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": object{
				"type": "AdaptiveCard", "version": "1.2",
				"body": []object{{"type": "RichTextBlock", "inlines": []object{{"type": "TextRun", "text": text}}}},
			},
		}}}
	default:
		form = map[string]string{"text": slackEntities.Replace(text)}
	}
	body, _ := json.Marshal(form) // texts alone: there is no error
	return body
}

var slackEntities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b")

// shortened cuts a text that is too long for a chat.
func shortened(text string) string {
	if utf8.RuneCountInString(text) <= maxText {
		return text
	}
	return string([]rune(text)[:maxText-1]) + "…"
}
