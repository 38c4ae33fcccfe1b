"""The words of schema.org that records are written in: its types and enumerations, by short name."""

from __future__ import annotations

SCHEMA_ORG = "https://schema.org/"

ARTICLE_TYPES = frozenset((
    "NewsArticle", "AnalysisNewsArticle", "AskPublicNewsArticle", "BackgroundNewsArticle",
    "OpinionNewsArticle", "ReportageNewsArticle", "ReviewNewsArticle",
))  # fmt: skip
"""https://schema.org/NewsArticle and its subtypes."""

EVENT_TYPES = frozenset((
    "Event", "BusinessEvent", "ChildrensEvent", "ComedyEvent", "ConferenceEvent", "CourseInstance",
    "DanceEvent", "DeliveryEvent", "EducationEvent", "EventSeries", "ExhibitionEvent", "Festival",
    "FoodEvent", "Hackathon", "LiteraryEvent", "MusicEvent", "PerformingArtsEvent", "PublicationEvent",
    "BroadcastEvent", "OnDemandEvent", "SaleEvent", "ScreeningEvent", "SocialEvent", "SportsEvent",
    "TheaterEvent", "UserInteraction", "UserBlocks", "UserCheckins", "UserComments", "UserDownloads",
    "UserLikes", "UserPageVisits", "UserPlays", "UserPlusOnes", "UserTweets", "VisualArtsEvent",
))  # fmt: skip
"""https://schema.org/Event and its subtypes."""

TOPIC_TYPES = frozenset((
    "Thing", "Person", "Organization", "NewsMediaOrganization", "Corporation",
    "EducationalOrganization", "GovernmentOrganization", "NGO", "PerformingGroup", "PoliticalParty",
    "SportsOrganization", "SportsTeam", "Place", "AdministrativeArea", "City", "Country", "State",
    "Landform", "CreativeWork", "Book", "Dataset", "Legislation", "Movie", "MusicRecording", "TVSeries",
    "WebSite", "DefinedTerm", "Event", "Product", "Brand",
))  # fmt: skip
"""What a topic may be; any other type is written as the Thing that it also is."""

EVENT_STATUSES = frozenset((
    "EventCancelled", "EventMovedOnline", "EventPostponed", "EventRescheduled", "EventScheduled",
))  # fmt: skip
"""https://schema.org/EventStatusType"""

ATTENDANCE_MODES = frozenset((
    "MixedEventAttendanceMode", "OfflineEventAttendanceMode", "OnlineEventAttendanceMode",
))  # fmt: skip
"""https://schema.org/EventAttendanceModeEnumeration"""

AVAILABILITIES = frozenset((
    "BackOrder", "Discontinued", "InStock", "InStoreOnly", "LimitedAvailability", "MadeToOrder",
    "OnlineOnly", "OutOfStock", "PreOrder", "PreSale", "Reserved", "SoldOut",
))  # fmt: skip
"""https://schema.org/ItemAvailability"""
