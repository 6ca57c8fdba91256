"""How servers say that there is no such user: of a sender and of a recipient alike."""

from __future__ import annotations

PERSON = (
    r"(?:user|recipient|mail ?box|account|address|email address|mail address|addressee|local[- ]?part|person"
    r"|alias|subscriber"
    r"|receiver|destination address|rcpt|email account|customer|member|name|username|usuario|utilisateur|benutzer)"
)
WHO = PERSON + r"(?:\W{1,2}\S{1,40}\W{0,2})?"
MISSING = (
    r"(?:unknown|not (?:be )?(?:found|known|exist|valid|local|listed|recogni[sz]ed|available here|a valid|here|ok"
    r"|present|defined"
    r"|correct|a known|an active)|does(?: not|n't) exist|doesnt exist|do(?: not|n't) exists?|did(?: not|n't) exist"
    r"|don't exists?|isn't (?:found|known|valid|listed)|(?:is |was |are )?(?:invalid|nonexist|non-exist|incorrect"
    r"|undeliverable"
    r"|wrong|unavailable|unavaiable|not exist|missing)|(?:could not|cannot|can't|couldn't) be found|no longer exists?"
    r"|has no (?:mailbox|account)|not in (?:directory|the directory|database))"
)

UNKNOWN_USER = (
    r"\b" + WHO + r" (?:\w+ )?(?:is |was |has |are |name )?" + MISSING,
    r"\b" + PERSON + r"(?:'s)? .{0,40}(?:unknown|not found|does(?: not|n't) exist|was not found|not present|not exist)",
    (
        r"\b(?:unknown|invalid|no such|bad|nonexist\w+|non-exist\w+|illegal|no valid|unrecogni[sz]ed|undefined|wrong"
        r"|not a valid"
        r"|not a known|incorrect|not an active) (?:or \w+ )?(?:\w+ ){0,2}?" + PERSON
    ),
    (
        r"\b(?:no|not an?) (?:\w+ )?(?:mail ?box|account|user|person|recipient|one|alias|subscriber|customer)"
        r" (?:\w+ ){0,4}"
        r"(?:here|by that|with that|with this|by this|at this|at that|found|named|name|on this|address|available"
        r"|in (?:our|the))"
    ),
    r"there is no (?:one|such|user|mailbox|account|person)",
    r"(?:doesn't|does not|dont|don't) have an? .{0,40}(?:account|mailbox)",
    r"(?:email )?account that you tried to reach does not exist",
    r"no such (?:user|person|mailbox|address|recipient|account|alias|local|name|email)",
    r"not (?:a )?(?:listed|member) in (?:domino|the|our|name)",
    r"\bin name directory|in domino directory|not listed in",
    r"addresses? (?:were|was) unknown",
    r"bad ?rcpt|validrcptto|badrecipientto|recipient (?:has been )?(?:rejected|refused)\b",
    r"invalid/inactive user|mailbox unavailable|mailbox is unavailable|can't accept user|no valid recipients",
    r"^address (?:rejected|invalid|unknown)|does not exist$|^not found$|not a local address|not our user",
    r"recipient (?:is )?not (?:ok|accepted|local|valid|exist)",
    r"unknown or illegal (?:alias|user)|adr\.\w*notfound|user missing home|\bnot email address",
    r"no (?:mailbox|user) (?:of|by|with|for) |user path no exist",
)
UNKNOWN_USER_LOCALISED = (
    r"utilisateur (?:\w+ )?inconnu|destinataire (?:\w+ )?(?:invalide|inconnu|inexistant)|inconnu|n'existe pas",
    (
        r"(?:benutzer|empfanger|adresse|postfach|mailbox|konto)\W.{0,30}(?:unbekannt|nicht (?:bekannt|gefunden"
        r"|vorhanden|existier))"
    ),
    r"unbekannt|existiert nicht|kein solcher (?:benutzer|empfanger)|adresse nicht gefunden",
    r"sconosciut|inesistente|nessun utente|utente non|destinatario non|casella .{0,12}(?:inesist|non)",
    (
        r"no existe|usuario (?:desconocido|inexistente|no)|destinatario (?:desconocido|inexistente)|desconocid"
        r"|desconhecid|nao existe"
    ),
    (
        r"nie ma takiego|nie istnieje|nieznany|neexist|neznam|okand|ukendt|ukjent|onbekend|bestaat niet|finns inte"
        r"|findes ikke"
    ),
    (
        r"inexistent\w?\b|tundmatu|tuntematon|ismeretlen|nem letezik|bilinmeyen|не существует|неизвест|нет такого"
        r"|не найден"
    ),
    r"宛先|存在しません|不存在|无此用户",
)
