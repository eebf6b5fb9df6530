/**
 * The canonical violation categories: what each means and how it is named in a DSA statement of reasons.
 *
 * Ids are stable, dotted and lower case; strikes with other ids are kept and flagged. The DSA columns are proposals for
 * the usual case: a statement names the infringement found, which a person may choose differently. They leave out the
 * prefixes `STATEMENT_CATEGORY_` and `KEYWORD_`, which the exported table adds. A registry table: longer than usual.
 * Spec: docs/spec/policy-syntax.md, "Categories". Held to tests/vectors/categories/categories.json.
 */
import type { Severity } from '../model.ts'

/** Version of the table, written beside exported categories; raised when a meaning or a mapping changes. */
export const CATEGORIES_VERSION = 1

export interface Category {
  readonly id: string
  /** One line for people. */
  readonly means: string
  /** `STATEMENT_CATEGORY_...` of the DSA transparency database. */
  readonly dsa_category: string
  /** `KEYWORD_...`, the first one is the usual choice; empty when none fits. */
  readonly dsa_keywords: readonly string[]
  /** Only a default: a strike carries its own severity. */
  readonly default_severity: Severity
  /** True when the DSA category stands for breaches of terms alone, so no law can be the ground. */
  readonly terms_only: boolean
}

/** id, meaning, DSA category, DSA keywords, default severity. */
type Row = readonly [string, string, string, string, Severity]

const ROWS: readonly Row[] = [
  [
    'terrorism.content',
    'Material that incites, instructs, recruits for, threatens or glorifies terrorist offences (TCO Art. 2(7))',
    'RISK_FOR_PUBLIC_SECURITY',
    'TERRORIST_CONTENT',
    'critical',
  ],
  [
    'terrorism.link',
    'Link or reference to material or channels of a designated group without context',
    'RISK_FOR_PUBLIC_SECURITY',
    'TERRORIST_CONTENT',
    'high',
  ],
  [
    'dangerous_orgs.support',
    'Praise, representation or support of a designated organisation or person',
    'RISK_FOR_PUBLIC_SECURITY',
    'ILLEGAL_ORGANIZATIONS',
    'high',
  ],
  [
    'violence.live_harm',
    'Killing, attack, hostage taking, rape or torture shown by its perpetrator or an accomplice',
    'VIOLENCE',
    'OTHER',
    'critical',
  ],
  [
    'violence.threat_incitement',
    'Credible threat or call to violence',
    'VIOLENCE',
    'INCITEMENT_VIOLENCE_HATRED',
    'high',
  ],
  [
    'violence.coordinated_harm',
    'Organising, promoting or boasting of harm to people or property',
    'VIOLENCE',
    'COORDINATED_HARM',
    'high',
  ],
  [
    'violence.glorification',
    'Celebrating violence or its authors outside designated groups',
    'VIOLENCE',
    'OTHER',
    'medium',
  ],
  ['violence.graphic', 'Gore or shocking violence without context', 'VIOLENCE', 'OTHER', 'medium'],
  [
    'child.csam',
    'Sexual abuse material of minors, real or synthetic',
    'PROTECTION_OF_MINORS',
    'CHILD_SEXUAL_ABUSE_MATERIAL CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE',
    'critical',
  ],
  [
    'child.grooming',
    'Soliciting, enticing or exploiting a minor, including via live chat or gifts',
    'PROTECTION_OF_MINORS',
    'GROOMING_SEXUAL_ENTICEMENT_MINORS',
    'critical',
  ],
  [
    'child.underage_live',
    'Broadcaster below the age floor or minor alone on stream',
    'PROTECTION_OF_MINORS',
    'AGE_SPECIFIC_RESTRICTIONS_MINORS',
    'low',
  ],
  [
    'child.unsafe_challenge',
    'Dangerous stunt or challenge aimed at or performed by minors',
    'PROTECTION_OF_MINORS',
    'UNSAFE_CHALLENGES',
    'medium',
  ],
  [
    'child.endangerment',
    'Other harm, bullying or privacy breach concerning a minor',
    'PROTECTION_OF_MINORS',
    'OTHER',
    'high',
  ],
  [
    'hate.speech',
    'Attack or dehumanisation on protected grounds',
    'ILLEGAL_OR_HARMFUL_SPEECH',
    'HATE_SPEECH DISCRIMINATION',
    'high',
  ],
  [
    'speech.defamation',
    'Defamatory statement found unlawful',
    'ILLEGAL_OR_HARMFUL_SPEECH',
    'DEFAMATION',
    'low',
  ],
  [
    'harassment.bullying',
    'Bullying or intimidation of a person',
    'CYBER_VIOLENCE',
    'CYBER_BULLYING_INTIMIDATION',
    'medium',
  ],
  [
    'harassment.targeted',
    'Sustained or group targeting of a person, raids, swatting',
    'CYBER_VIOLENCE',
    'CYBER_HARASSMENT',
    'high',
  ],
  [
    'harassment.incitement',
    'Inciting others to harass a person',
    'CYBER_VIOLENCE',
    'CYBER_INCITEMENT',
    'high',
  ],
  [
    'harassment.stalking',
    'Stalking, including location tracking on stream',
    'CYBER_VIOLENCE',
    'CYBER_STALKING',
    'high',
  ],
  [
    'harassment.doxxing',
    "Publishing a person's private data to expose them to harm",
    'CYBER_VIOLENCE',
    'CYBER_HARASSMENT',
    'high',
  ],
  [
    'harassment.gendered',
    'Harassment, stalking, incitement or bullying of women or girls because of gender',
    'CYBER_VIOLENCE_AGAINST_WOMEN',
    'CYBER_HARASSMENT_AGAINST_WOMEN CYBER_STALKING_AGAINST_WOMEN INCITEMENT_AGAINST_WOMEN BULLYING_AGAINST_GIRLS',
    'high',
  ],
  [
    'sexual.ncii',
    'Intimate imagery without consent, real or synthetic',
    'CYBER_VIOLENCE',
    'NON_CONSENSUAL_IMAGE_SHARING NON_CONSENSUAL_MATERIAL_DEEPFAKE',
    'critical',
  ],
  ['sexual.violence', 'Sexual violence or abuse of adults', 'VIOLENCE', 'OTHER', 'critical'],
  [
    'sexual.adult',
    'Adult nudity or sexual activity against terms',
    'OTHER_VIOLATION_TC',
    'ADULT_SEXUAL_MATERIAL NUDITY',
    'low',
  ],
  [
    'exploitation.trafficking',
    'Trafficking or exploitation of people',
    'VIOLENCE',
    'HUMAN_TRAFFICKING HUMAN_EXPLOITATION TRAFFICKING_WOMEN_GIRLS',
    'critical',
  ],
  [
    'self_harm.suicide',
    'Suicide attempt, encouragement or instructions',
    'SELF_HARM',
    'SUICIDE',
    'high',
  ],
  ['self_harm.injury', 'Self-mutilation', 'SELF_HARM', 'SELF_MUTILATION', 'medium'],
  [
    'self_harm.eating_disorder',
    'Promotion of eating disorders',
    'SELF_HARM',
    'CONTENT_PROMOTING_EATING_DISORDERS',
    'medium',
  ],
  [
    'self_harm.dangerous_acts',
    'Dangerous acts or substance abuse on stream (adults)',
    'SELF_HARM',
    'OTHER',
    'medium',
  ],
  [
    'fraud.scam',
    'Phishing, pyramid or investment scam',
    'SCAMS_AND_FRAUD',
    'PHISHING PYRAMID_SCHEMES OTHER',
    'medium',
  ],
  [
    'fraud.impersonation',
    'Impersonation or hijacked account',
    'SCAMS_AND_FRAUD',
    'IMPERSONATION_ACCOUNT_HIJACKING',
    'medium',
  ],
  [
    'fraud.inauthentic',
    'Fake account, bot network, view botting',
    'SCAMS_AND_FRAUD',
    'INAUTHENTIC_ACCOUNTS',
    'medium',
  ],
  ['spam.bulk', 'Repetitive unsolicited content', 'OTHER_VIOLATION_TC', 'OTHER', 'low'],
  [
    'goods.prohibited',
    'Sale or promotion of drugs, weapons or other prohibited goods',
    'UNSAFE_AND_PROHIBITED_PRODUCTS',
    'PROHIBITED_PRODUCTS UNSAFE_PRODUCTS',
    'medium',
  ],
  [
    'goods.restricted_terms',
    'Goods or services lawful but barred by terms',
    'OTHER_VIOLATION_TC',
    'GOODS_SERVICES_NOT_PERMITTED',
    'low',
  ],
  [
    'ip.copyright',
    'Copyright infringement, including rebroadcast of live events',
    'INTELLECTUAL_PROPERTY_INFRINGEMENTS',
    'COPYRIGHT_INFRINGEMENT',
    'medium',
  ],
  [
    'ip.trademark',
    'Trademark infringement',
    'INTELLECTUAL_PROPERTY_INFRINGEMENTS',
    'TRADEMARK_INFRINGEMENT',
    'low',
  ],
  [
    'privacy.data_protection',
    'Unlawful processing, biometric or personal data exposure',
    'DATA_PROTECTION_AND_PRIVACY_VIOLATIONS',
    'MISSING_PROCESSING_GROUND BIOMETRIC_DATA_BREACH OTHER',
    'medium',
  ],
  [
    'civic.misinformation',
    'Disinformation or election interference',
    'NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS',
    'MISINFORMATION_DISINFORMATION VIOLATION_EU_LAW VIOLATION_NATIONAL_LAW',
    'medium',
  ],
  ['animal.harm', 'Cruelty to animals', 'ANIMAL_WELFARE', 'ANIMAL_HARM', 'medium'],
  [
    'consumer.hidden_ads',
    'Undisclosed commercial content',
    'CONSUMER_INFORMATION',
    'HIDDEN_ADVERTISEMENT',
    'low',
  ],
  [
    'security.attack',
    'Malware, hacking, attack on the service',
    'SCAMS_AND_FRAUD',
    'OTHER',
    'medium',
  ],
  [
    'circumvention.ban_evasion',
    'Going live through another account while restricted',
    'OTHER_VIOLATION_TC',
    'OTHER',
    'high',
  ],
  [
    'live.misuse',
    'Live-specific rules: pre-recorded shown as live, static loop, abandoned stream',
    'OTHER_VIOLATION_TC',
    'OTHER',
    'low',
  ],
  ['other.terms', 'Other terms breach', 'OTHER_VIOLATION_TC', 'OTHER', 'low'],
  ['unspecified.notice', 'Notice whose category was not stated', 'NOT_SPECIFIED_NOTICE', '', 'low'],
]

const TERMS_ONLY: ReadonlySet<string> = new Set(['OTHER_VIOLATION_TC', 'NOT_SPECIFIED_NOTICE'])

/** All known categories, in the order of the table. */
export const CATEGORIES: readonly Category[] = ROWS.map(categoryOf)

const BY_ID: ReadonlyMap<string, Category> = new Map(CATEGORIES.map((entry) => [entry.id, entry]))

/** The category with this id, or undefined for an id of the platform's own. */
export function findCategory(id: string): Category | undefined {
  return BY_ID.get(id)
}

/** False for an id of the platform's own, which is kept and flagged. */
export function isKnownCategory(id: string): boolean {
  return BY_ID.has(id)
}

function categoryOf([id, means, category, keywords, default_severity]: Row): Category {
  return {
    id,
    means,
    dsa_category: `STATEMENT_CATEGORY_${category}`,
    dsa_keywords: keywords.split(' ').flatMap((word) => (word === '' ? [] : [`KEYWORD_${word}`])),
    default_severity,
    terms_only: TERMS_ONLY.has(category),
  }
}
