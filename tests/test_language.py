"""The language of a text: right or not at all."""

from __future__ import annotations

import pytest

from feedpub.extraction import language

# One sentence in many languages, by people who read them.
TEXTS = {
    "en": "The council agreed on Tuesday to repair the old bridge after months of talks with residents who had asked for safer crossings near the school.",
    "de": "Der Stadtrat hat am Dienstag beschlossen, die alte Brücke nach monatelangen Gesprächen mit den Anwohnern zu reparieren, die sichere Wege forderten.",
    "fr": "Le conseil municipal a décidé mardi de réparer le vieux pont après des mois de discussions avec les habitants qui demandaient des passages plus sûrs.",
    "es": "El ayuntamiento acordó el martes reparar el viejo puente tras meses de conversaciones con los vecinos que pedían pasos más seguros cerca de la escuela.",
    "pt": "A câmara municipal decidiu na terça-feira reparar a velha ponte depois de meses de conversas com os moradores que pediam passagens mais seguras.",
    "it": "Il consiglio comunale ha deciso martedì di riparare il vecchio ponte dopo mesi di colloqui con i residenti che chiedevano attraversamenti più sicuri.",
    "nl": "De gemeenteraad besloot dinsdag de oude brug te herstellen na maanden van gesprekken met bewoners die om veiligere oversteekplaatsen hadden gevraagd.",
    "sv": "Kommunfullmäktige beslutade på tisdagen att reparera den gamla bron efter månader av samtal med boende som hade bett om säkrare övergångar.",
    "da": "Byrådet besluttede tirsdag at reparere den gamle bro efter måneders samtaler med beboere, som havde bedt om mere sikre overgange ved skolen.",
    "nb": "Kommunestyret vedtok tirsdag å reparere den gamle broen etter måneder med samtaler med innbyggere som hadde bedt om tryggere overganger ved skolen.",
    "fi": "Kaupunginvaltuusto päätti tiistaina korjata vanhan sillan kuukausia kestäneiden keskustelujen jälkeen asukkaiden kanssa, jotka olivat pyytäneet turvallisempia ylityspaikkoja.",
    "pl": "Rada miasta zdecydowała we wtorek o naprawie starego mostu po miesiącach rozmów z mieszkańcami, którzy prosili o bezpieczniejsze przejścia przy szkole.",
    "cs": "Městská rada v úterý rozhodla o opravě starého mostu po měsících jednání s obyvateli, kteří žádali bezpečnější přechody u školy.",
    "ru": "Городской совет во вторник решил отремонтировать старый мост после нескольких месяцев переговоров с жителями, просившими о безопасных переходах.",
    "uk": "Міська рада у вівторок вирішила відремонтувати старий міст після місяців переговорів з мешканцями, які просили безпечніші переходи біля школи.",
    "tr": "Belediye meclisi salı günü, okul yakınında daha güvenli geçitler isteyen sakinlerle aylarca süren görüşmelerin ardından eski köprünün onarılmasına karar verdi.",
    "ar": "قرر المجلس البلدي يوم الثلاثاء إصلاح الجسر القديم بعد أشهر من المحادثات مع السكان الذين طالبوا بمعابر أكثر أمانا قرب المدرسة.",
    "fa": "شورای شهر روز سه‌شنبه پس از ماه‌ها گفتگو با ساکنانی که خواستار گذرگاه‌های امن‌تر در نزدیکی مدرسه بودند تصمیم گرفت پل قدیمی را تعمیر کند.",
    "he": "מועצת העיר החליטה ביום שלישי לתקן את הגשר הישן לאחר חודשים של שיחות עם תושבים שביקשו מעברים בטוחים יותר ליד בית הספר.",
    "zh": "市议会周二决定在与要求学校附近更安全过街通道的居民进行数月会谈后修复旧桥。工程预计明年春天开始。",
    "ja": "市議会は火曜日、学校の近くにより安全な横断歩道を求めていた住民との数か月にわたる話し合いの末、古い橋を修理することを決定した。",
    "ko": "시의회는 화요일 학교 근처에 더 안전한 횡단보도를 요청한 주민들과 수개월간의 논의 끝에 오래된 다리를 수리하기로 결정했다.",
    "el": "Το δημοτικό συμβούλιο αποφάσισε την Τρίτη να επισκευάσει την παλιά γέφυρα μετά από μήνες συνομιλιών με τους κατοίκους.",
    "ca": "L'ajuntament va acordar dimarts reparar el vell pont després de mesos de converses amb els veïns que demanaven passos més segurs prop de l'escola.",
    "th": "สภาเทศบาลมีมติเมื่อวันอังคารให้ซ่อมแซมสะพานเก่าหลังจากหารือกับชาวบ้านเป็นเวลาหลายเดือน",
    "hr": "Gradsko vijeće odlučilo je u utorak popraviti stari most nakon višemjesečnih razgovora sa stanovnicima koji su tražili sigurnije prijelaze.",
    "ro": "Consiliul local a decis marți să repare vechiul pod după luni de discuții cu locuitorii care ceruseră treceri mai sigure lângă școală.",
    "hu": "A városi tanács kedden úgy döntött, hogy hónapokig tartó tárgyalások után megjavítja a régi hidat a lakosok kérésére az iskola közelében.",
    "cy": "Penderfynodd y cyngor ddydd Mawrth atgyweirio'r hen bont ar ôl misoedd o drafodaethau gyda thrigolion a oedd wedi gofyn am groesfannau mwy diogel.",
    "is": "Bæjarstjórn ákvað á þriðjudag að gera við gömlu brúna eftir margra mánaða viðræður við íbúa sem höfðu beðið um öruggari gangbrautir.",
}
UNSURE = "नगर परिषद ने मंगलवार को निवासियों के साथ महीनों की बातचीत के बाद पुराने पुल की मरम्मत करने का निर्णय लिया।"


@pytest.mark.parametrize("tag", TEXTS)
def test_the_language_of_a_sentence(tag: str) -> None:
    assert language.detect(TEXTS[tag]) == tag


@pytest.mark.parametrize("tag", TEXTS)
def test_a_shorter_piece_is_told_rightly_or_not_at_all(tag: str) -> None:
    assert language.detect(TEXTS[tag][:75]) in (tag, None)


def test_what_is_not_sure_has_no_language() -> None:
    assert language.detect(UNSURE) in ("hi", None)


@pytest.mark.parametrize(
    "text", ["", "Bridge open.", "12:30 45:10 33, 44 – 2:1 (1:0) 80' 7 11 1984", "日本", "🎉" * 100]
)
def test_too_little_text_has_no_language(text: str) -> None:
    assert language.detect(text) is None


def test_an_address_is_no_text() -> None:
    assert (
        language.detect(
            "https://www.example.org/der-stadtrat-hat-am-dienstag-beschlossen-die-bruecke-zu-reparieren"
        )
        is None
    )


def test_the_verdict_is_the_library_s_own() -> None:
    """Scoring only the features at hand must not change what the classifier says."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    original = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    for text in TEXTS.values():
        name, probability = original.classify(text)
        ours = language._identifier().classify(text)
        assert ours[0] == name
        assert ours[1] == pytest.approx(probability, abs=1e-3)
