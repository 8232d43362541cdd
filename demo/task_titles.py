"""Task titles of the demo projects: templates, each with the values that fill its placeholder."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class TitleTemplate:
    """One title per value of `values`, put into `pattern`.

    `hours` is the work each task takes; `steps` are the titles of its subtasks.
    """

    pattern: str
    values: tuple[str, ...]
    labels: tuple[str, ...] = ()
    hours: int = 8
    steps: tuple[str, ...] = ()

    def titles(self) -> list[str]:
        return [self.pattern.format(value) for value in self.values]


HOSTS = ("db-1", "db-2", "web-1", "web-2", "web-3", "queue-1", "search-1", "backup-1", "mail-1")
SERVICES = ("the shop", "the search service", "the payment gateway", "the order queue", "the image resizer", "the wiki")

OPS = (
    TitleTemplate("Upgrade PostgreSQL on {} to 18", ("db-1", "db-2", "staging"), ("maintenance",), 20,
           ("Rehearse the upgrade on a copy", "Write the rollback plan", "Announce the maintenance window")),
    TitleTemplate("Renew the TLS certificate of {}", ("shop.example.com", "api.example.com", "status.example.com",
           "mail.example.com", "docs.example.com", "cdn.example.com"), ("security",), 2),
    TitleTemplate("Investigate high memory use on {}", HOSTS, ("incident",), 6),
    TitleTemplate("Disk of {} is above 85 %", HOSTS, ("incident",), 3),
    TitleTemplate("Rotate the credentials of {}", SERVICES, ("security",), 3),
    TitleTemplate("Add an alert for the error rate of {}", SERVICES, ("automation",), 5),
    TitleTemplate("Write the runbook for {}", SERVICES, (), 7),
    TitleTemplate("Restore last night's backup of {} on a spare machine", ("db-1", "db-2", "the wiki", "the mail server"),
           ("maintenance",), 6),
    TitleTemplate("Move {} to the new data centre", ("the wiki", "the mail server", "backup-1", "the build runners"),
           ("maintenance",), 30, ("Lower the DNS lifetime", "Copy the data", "Switch over and watch for an hour")),
    TitleTemplate("Patch the kernel on {}", HOSTS, ("security", "maintenance"), 3),
    TitleTemplate("Post-mortem: {}", ("checkout down for 14 minutes on Friday", "orders delayed by the queue",
           "expired certificate on api.example.com", "failed deployment on Monday", "slow search during the sale"),
           ("incident",), 5),
    TitleTemplate("Cut the cost of {}", ("object storage", "log retention", "idle staging machines", "outgoing traffic"),
           ("cost",), 12),
    TitleTemplate("Automate {}", ("the creation of staging databases", "the monthly access review", "log rotation on mail-1",
           "the clean-up of old container images", "the rollout of firewall rules"), ("automation",), 14),
    TitleTemplate("Review {}", ("who has access to production", "the firewall rules of the office", "the on-call rota for next quarter",
           "the retention of access logs", "the backup schedule"), ("security",), 4),
    TitleTemplate("Replace {}", ("the failed fan in web-2", "the old switch in rack 4", "the UPS batteries",
           "the self-written cron wrapper"), ("maintenance",), 6),
    TitleTemplate("Document {}", ("how to fail over to db-2", "the network plan", "the on-call handover", "how to restore one table"),
           (), 5),
    TitleTemplate("Give {} access to the monitoring", ("the support team", "the new developers", "the auditors"), (), 1),
    TitleTemplate("Reduce noise: {} pages for nothing", ("the disk alert of backup-1", "the queue length alert",
           "the certificate check", "the ping check of the office"), ("automation",), 3),
    TitleTemplate("Plan capacity for {}", ("Black Friday", "the spring sale", "the launch in Spain"), (), 10,
           ("Collect last year's peaks", "Run the load test", "Order what is missing")),
    TitleTemplate("Test the failover of {}", ("db-1 to db-2", "the load balancer", "the payment gateway", "DNS"), ("maintenance",), 5),
)  # fmt: skip

WEB = (
    TitleTemplate("Checkout: {}", ("show delivery costs before the address", "keep the cart after signing in", "accept gift cards",
           "remember the last delivery address", "explain why a card was declined", "let guests order without an account"),
           ("feature",), 16, ("Agree on the wording with support", "Write the tests", "Measure the drop-off for a week")),
    TitleTemplate("Fix the total when {}", ("a voucher exceeds the order", "the currency changes in the cart",
           "a bundle contains a sold-out item", "two discounts apply", "the delivery country changes"), ("bug",), 5),
    TitleTemplate("Product page: {}", ("load images when they come into view", "show when an item is back in stock",
           "compare two sizes side by side", "say how reviews are checked", "zoom with the keyboard"), ("feature",), 12),
    TitleTemplate("Search finds nothing for {}", ("words with umlauts", "plural forms", "article numbers with spaces", "two typos at once"),
           ("bug",), 6),
    TitleTemplate("Make {} usable with a screen reader", ("the size picker", "the cart drawer", "the filter panel", "the date picker",
           "the order history"), ("accessibility",), 9),
    TitleTemplate("Raise the contrast of {}", ("the sale badges", "disabled buttons", "the footer links", "form errors"),
           ("accessibility",), 3),
    TitleTemplate("Speed up {}", ("the category page", "the first paint of the home page", "the order history of big customers",
           "the stock lookup in the cart", "the sitemap"), ("performance",), 12),
    TitleTemplate("Remove {}", ("the old coupon code path", "jQuery from the account pages", "the unused newsletter table",
           "the second date library", "the legacy address form"), ("tech debt",), 10),
    TitleTemplate("Upgrade {}", ("Django to 5.2", "the payment library", "Node in the build image", "the icon set"), ("tech debt",), 8),
    TitleTemplate("Translate {} into Spanish", ("the checkout", "the order mails", "the returns page", "the cookie notice"),
           ("feature",), 6),
    TitleTemplate("Returns: {}", ("print the label at the shop counter", "refund to the gift card", "ask for the reason once",
           "show how long a refund takes"), ("feature",), 10),
    TitleTemplate("Broken layout of {} on narrow phones", ("the cart", "the invoice page", "the size table", "the header with long names"),
           ("bug",), 4),
    TitleTemplate("Order mail: {}", ("show the delivery window", "add the invoice as PDF", "fix the greeting for companies",
           "drop the tracking pixel"), ("feature",), 5),
    TitleTemplate("Error 500 when {}", ("an order has no lines", "the address holds an emoji", "a deleted product is opened",
           "the invoice is requested twice", "the session ends during payment"), ("bug",), 4),
    TitleTemplate("Count {} without cookies", ("visits to the sale page", "abandoned carts", "uses of the size guide"), ("feature",), 7),
    TitleTemplate("Test {} end to end", ("the guest checkout", "vouchers", "partial returns", "changing the email address"),
           ("tech debt",), 8),
    TitleTemplate("Cache {}", ("the category tree", "prices per country", "the delivery calendar"), ("performance",), 7),
    TitleTemplate("Let customers {}", ("download all their data", "change an order within an hour", "save several wish lists",
           "pause a subscription", "choose a quieter mailing"), ("feature",), 18,
           ("Sketch the page", "Build the endpoint", "Write the help text")),
    TitleTemplate("Clean up {}", ("the translations file", "feature flags from spring", "test fixtures nobody uses"), ("tech debt",), 5),
    TitleTemplate("Prepare the landing page for {}", ("the winter sale", "the new running shoes", "Mother's Day", "gift cards"),
           ("feature",), 6),
)  # fmt: skip

MOBILE = (
    TitleTemplate("Crash when {}", ("the app returns from the background", "the camera permission is withdrawn",
           "the cart is opened offline",
           "a push arrives during payment", "the language changes", "a list is refreshed twice"), ("bug",), 6),
    TitleTemplate("Offline: {}", ("keep the cart on the device", "queue favourites until there is a connection",
           "show the last known stock", "say clearly that prices may be old"), ("feature",), 16,
           ("Store the data on the device", "Resolve conflicts on reconnect", "Test in flight mode")),
    TitleTemplate("Push notifications: {}", ("ask for permission at a sensible moment", "open the order they are about",
           "respect quiet hours", "group several of one order"), ("feature",), 9),
    TitleTemplate("iOS: {}", ("support Dynamic Type", "sign in with a passkey", "fix the safe area on small phones",
           "reduce the launch time",
           "add a widget for the order state"), ("ios",), 11),
    TitleTemplate("Android: {}", ("predictive back gesture", "adapt the layout to foldables", "fix the share sheet on Android 15",
           "drop Android 9", "themed icon"), ("android",), 9),
    TitleTemplate("Release 5.{}: write the notes and submit", ("0", "1", "2", "3", "4", "5"), ("release",), 4,
           ("Freeze the branch", "Run the device matrix", "Roll out to ten per cent")),
    TitleTemplate("Scan barcodes {}", ("in poor light", "of books", "held sideways"), ("feature",), 8),
    TitleTemplate("Reduce {}", ("the size of the download", "battery use while tracking a delivery", "requests on the home screen",
           "the memory of image lists"), (), 10),
    TitleTemplate("Voice over reads {} wrongly", ("prices", "the star rating", "sizes", "the tab bar"), ("bug",), 3),
    TitleTemplate("Dark mode: {}", ("product images with white background", "the map of shops",
           "status bar on the payment page"), ("bug",), 3),
    TitleTemplate("Measure {}", ("cold start on old phones", "scrolling on the catalogue", "crashes per release"), (), 5),
    TitleTemplate("Update {}", ("the payment SDK", "the map SDK", "the minimum iOS version",
           "the build pipeline to the new signing keys"), (), 7),
    TitleTemplate("Try out {}", ("a bottom sheet for filters", "one-handed checkout", "a gallery instead of tabs"), ("feature",), 12),
    TitleTemplate("Deep link to {}", ("an order", "a wish list", "a category with filters", "the returns page"), ("feature",), 5),
    TitleTemplate("Flaky test: {}", ("sign in on a slow network", "adding to the cart", "the receipt screenshot",
           "restoring purchases"), (), 4),
    TitleTemplate("Ask for a review after {}", ("the second delivery", "a return without trouble"), ("feature",), 4),
)  # fmt: skip

HIRING = (
    TitleTemplate("Write the job advertisement: {}", ("backend engineer", "support specialist", "site reliability engineer",
           "product designer", "working student for testing"), (), 4),
    TitleTemplate("Screen applications for {}", ("backend engineer", "support specialist", "site reliability engineer",
           "product designer"), (), 10),
    TitleTemplate("First interview: {}", ("L. Okafor", "M. Santos", "H. Virtanen", "R. Novak", "S. Haddad", "E. Lindqvist", "P. Moreau",
           "J. Castillo", "A. Kowalska"), (), 2),
    TitleTemplate("Technical interview: {}", ("L. Okafor", "H. Virtanen", "S. Haddad", "E. Lindqvist", "A. Kowalska"), ("engineering",), 3),
    TitleTemplate("Check the references of {}", ("H. Virtanen", "E. Lindqvist", "M. Santos"), (), 2),
    TitleTemplate("Prepare the offer for {}", ("H. Virtanen", "E. Lindqvist", "M. Santos"), (), 3),
    TitleTemplate("Onboarding of {}", ("H. Virtanen", "M. Santos", "our working student"), ("onboarding",), 12,
           ("Order the laptop", "Create the accounts", "Plan the first week", "Name a buddy")),
    TitleTemplate("Answer everyone who applied as {}", ("backend engineer", "support specialist", "product designer"), (), 3),
    TitleTemplate("Improve {}", ("the questions of the technical interview", "the careers page", "the rejection letter",
           "the onboarding checklist"), (), 6),
    TitleTemplate("Book a stand at {}", ("the university fair", "PyCon DE", "the regional job day"), (), 3),
    TitleTemplate("Ask {} how their first month went", ("H. Virtanen", "M. Santos"), ("onboarding",), 1),
    TitleTemplate("Train {} in structured interviews", ("the engineering team", "the support team"), (), 5),
)  # fmt: skip

TITLE_TEMPLATES = {"OPS": OPS, "WEB": WEB, "MOB": MOBILE, "HIRE": HIRING}


def draw_titles(key: str, rng: Random) -> list[tuple[str, TitleTemplate]]:
    """Return all titles of a project with their templates, taking from the templates in turn."""
    piles = []
    for template in TITLE_TEMPLATES[key]:
        titles = template.titles()
        rng.shuffle(titles)
        piles.append([(title, template) for title in titles])
    drawn: list[tuple[str, TitleTemplate]] = []
    while any(piles):
        rng.shuffle(piles)
        drawn += [pile.pop() for pile in piles if pile]
    return drawn
