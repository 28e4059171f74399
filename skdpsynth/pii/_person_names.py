"""Names of persons: words that are written like names, some of which are common ones."""

from __future__ import annotations

import re

__all__ = ["person_name_probability"]

_GIVEN = frozenset(
    """
    aaron abdul abigail adam adrian agnes ahmed aisha alan albert alejandro alessandro alex
    alexander alexandra alexis ali alice alicia alison allen allison alyssa amanda amber amelia
    amina amir amit amy ana andrea andreas andrew angel angela anita anja ann anna anne annette
    annie anthony antje antoine antonio april arjun arne arthur ashley astrid audrey austin ava
    barbara beatrice benjamin bernard bernd beth bethany betty beverly bianca bill billy birgit
    bjorn bob bobby bonnie brad bradley brandi brandon brandy brenda brent brett brian brianna
    brittany brittney brooke bruce bruno bryan caitlin caleb calvin camille carl carla carlos
    carol caroline carolyn carrie casey cassandra catherine cathy cecilia chad charlene charles
    charlotte chelsea cheryl chiara chloe chris christian christina christine christopher
    christy cindy claire clara clarence claudia claus clayton cody colin colleen connie connor
    corey cory courtney craig cristina crystal curtis cynthia daisy dale dan dana daniel daniela
    danielle darlene darrell darren dave david dawn dean deanna debbie deborah debra dennis
    derek derrick desiree devin devon diana diane diego dieter dmitri dominic don donald donna
    doris dorothy douglas duane dustin dylan earl eddie edgar eduardo edward edwin eileen elaine
    eleanor elena elias elisabeth elizabeth ella ellen emily emma eric erica erik erika erin
    ernest esther ethan eugene eva evan evelyn fatima felicia felix fernando fiona florian
    frances francesca francesco francis francisco frank franz fred frederick frieda gabriel
    gabriela gabriella gabrielle gail gary gavin gene geoffrey george gerald gerhard gilbert
    gina giovanni giulia giuseppe glen glenda glenn gloria gordon grace greg gregory guillaume
    gunther gustav guy hailey hannah hans harold harry hassan hayley heather hector heidi heike
    heinrich helen helena helga helmut henrik henry herbert holly hugo ian ibrahim ingrid irene
    irina isaac isabel isabella isabelle ivan jack jackie jackson jaclyn jacob jacqueline jaime
    jake james jamie jan jane janet janice jared jasmin jasmine jason javier jay jean jeff
    jeffery jeffrey jenna jennifer jenny jeremiah jeremy jerome jerry jesse jessica jesus jill
    jim jimmy jo joan joann joanna joanne jodi joe joel johan johann johannes john johnny jon
    jonas jonathan jordan jorge jose joseph joshua joy joyce juan juanita juergen julia julian
    juliana julie julien jun jurgen justin kaitlin kaitlyn karen kari karin karl karla kate
    katelyn katherine kathleen kathryn kathy katie katja katrina kayla keith kelli kellie kelly
    kelsey ken kendra kenneth kenny kerry kevin khalid kim kimberly kirk kirsten klaus krista
    kristen kristi kristin kristina kristine kristopher kristy krystal kurt kyle lance lara
    larry lars latoya laura lauren laurie lawrence lea leah lee leon leonard leslie leticia liam
    linda lindsay lindsey lisa logan lonnie loretta lori lorraine louis louise luca lucas lucia
    lucy luigi luis luke lydia lynn mackenzie madison magdalena makayla malik manfred manuel
    marc marco marcus margaret maria mariah marie mario marion marissa mark markus marta martha
    martin martina marvin mary mason mateo mathieu matteo matthew matthias maureen maurice max
    maxime megan meghan mehmet melanie melinda melissa melody mercedes meredith mia micah
    michael michaela micheal michele michelle miguel mike mindy miranda mitchell mohamed
    mohammad mohammed molly monica monika morgan muhammad mustafa nadia nancy natalie natasha
    nathan nathaniel neil nicholas nichole nicolas nicole nikita nikolai nina noah norma norman
    olaf olga oliver olivia omar oscar pablo paige pam pamela paolo patricia patrick patty paul
    paula pauline pedro peggy penny perry peter petra philip philipp phillip pierre priya
    rachael rachel rahul raj ralf ralph ramon randall randy raul ravi ray raymond rebecca
    rebekah regina reginald renate renee rhonda ricardo richard rick ricky riley rita robert
    roberta roberto robin robyn rodney roger roland rolf romain ron ronald ronnie rosa rose ross
    roy ruben russell ruth ryan sabine sabrina sally salvatore sam samantha samuel sandra sandy
    sara sarah savannah scott sean sebastian sergei sergio seth shane shannon sharon shaun shawn
    shawna sheena sheila shelby shelley shelly sheri sherri sherry sierra simon simone sofia
    sonia sonya sophia sophie stacey stacy stanley stefan stefanie stephanie stephen steve
    steven stuart sue summer susan suzanne svetlana sydney sylvia tabitha tamara tammy tanya
    tara tasha tatiana taylor ted teresa terrance terri terry thea theodore theresa therese
    thomas tiffany tim timothy tina tobias todd tom tommy toni tony tonya tracey traci tracie
    tracy travis trevor tricia tristan troy tyler ulrich ulrike ursula uwe valentina valerie
    vanessa vernon veronica vicki vickie victor victoria vijay vincent vincenzo virginia
    vladimir walter wanda warren wayne wendy wesley whitney wilhelm william willie wolfgang
    xavier xin yan yolanda yusuf yvette yvonne zachary zoe
    """.split()  # noqa: SIM905
)
_FAMILY = frozenset(
    """
    adams aguilar alexander ali allen alvarado alvarez anderson andersson andrews armstrong
    arnold austin bailey baker banks barnes barnett bauer becker bell bennett berg bernard berry
    bishop black blair bowman boyd bradley brooks brown bryant burke burns burton butler byrd
    caldwell campbell carlson carpenter carr carroll carter castillo castro chambers chan chang
    chapman chavez chen chung clark clarke cohen cole coleman collins contreras cook cooper
    costa cox craig crawford cross cruz cunningham curtis daniels davidson davies davis day dean
    delgado diaz dixon dominguez douglas dubois duncan dunn durand edwards elliott ellis
    erickson espinoza estrada evans ferguson fernandez ferrari fields fischer fisher fitzgerald
    fleming flores ford foster fowler fox francis franklin frazier freeman fuller garcia gardner
    garrett garza gibson gilbert goldberg gomez gonzales gonzalez gordon graham grant graves
    gray green greene gregory griffin gross guerra guerrero gupta gutierrez guzman haas hall
    hamilton hansen hanson harper harris harrison hart harvey hawkins hayes henderson henry
    hernandez herrera hicks hill hoffman hoffmann holmes hopkins horton howard howell huang
    hudson hughes hunt hunter hussain ibrahim ivanov jackson jacobs james jansen jenkins jensen
    jimenez johansson johnson johnston jones jordan kaiser kang kaufman kelley kelly kennedy
    khan kim king klein knight koch kowalski kumar lane larsen larson lawrence lawson lee
    lehmann leonard lewis li lin little liu lopez lowe lucas lynch maier maldonado mann marshall
    martin martinez mason matthews maxwell may mccarthy mccoy mcdaniel mcdonald mcgee mckinney
    mclaughlin medina mehta mejia mendez mendoza meyer miles miller mills mitchell molina
    montgomery montoya moore morales moran moreno morgan morris morrison moss mueller muller
    munoz murphy murray myers navarro neal nelson neumann newman newton nguyen nichols nielsen
    norris novak nunez obrien oliver olsen olson ortega ortiz owen owens padilla page palmer
    park parker parks patel patterson payne pearson pena perez perkins perry peters petersen
    peterson petrov pham phillips pierce popov porter potter powell powers price quinn ramirez
    ramos ramsey ray reed reese reid reyes reynolds rhodes rice richards richardson richter
    riley rios rivas rivera roberts robertson robinson rodriguez rogers rojas romero rosales
    rose ross rossi roy ruiz russell russo ryan salazar sanchez sanders sandoval santiago santos
    sato saunders schmidt schmitt schneider schroeder schultz schulz schwartz scott serrano
    shaffer shah sharma shaw shelton silva simmons simon simpson sims singh smirnov smith snyder
    sokolov soto spencer stephens stevens stewart stone strickland suarez sullivan sutton suzuki
    swanson tanaka tate taylor thomas thompson thornton torres townsend tran trujillo tucker
    turner valdez valencia vargas vasquez vazquez vega velasquez villarreal vogel wagner walker
    wallace walsh walters walton wang ward warner warren washington watkins watson watts weaver
    webb weber weiss welch wells west wheeler white wilkerson wilkins williams williamson willis
    wilson winters wolf wolfe wong wood woods wright wu xu yamamoto yang yates yilmaz young yu
    zamora zhang zhao zimmerman
    """.split()  # noqa: SIM905
)
# words of places, streets, companies, jobs and products, which also have names in them
_NOT_IN_NAMES = frozenset(
    """
    academy acid agency airport and annex apartment apt associates association avenue bank bay
    beach beef blue boulevard box bridge building bypass center centre chicken church circle
    city clinic college common company corner corp corporation council county court creek
    crossing cup department district doctor drive east engineer estate estates extension falls
    farm field fields flat ford forest fork fort free gardens general glen gmbh great green
    group grove harbor haven heights high highway hill hills hospital hotel house inc
    incorporated institute island isle junction key lake lakes land landing lane large limited
    llc lodge loop low ltd mall manager manor market meadow medical medium mill mills motorway
    mount mountain museum neck new north oak of office officer old orange organic park parks
    parkway pass path pike pine pizza place plain plains plaza plc point port prairie premium
    ranch rapid rapids red republic resort restaurant ridge river road room route royal saint
    salad san santa school service services shire shoal shoals shop shore shores size small sons
    south spring springs square st state station store strait stream street suite summit
    technician terrace the theatre town track trail trust tunnel turnpike union unit university
    valley via view village ville vista walk way well wells west white wine with works yellow
    """.split()  # noqa: SIM905
)
_TITLE = re.compile(
    r"(?:(?:mr|mrs|ms|miss|dr|prof|sir|herr|frau|dott|ing|sr|sra)\.?\s+)+", re.IGNORECASE
)
_SUFFIX = re.compile(
    r",?\s+(?:jr|sr|ii|iii|iv|md|phd|dds|dvm|b\.?sc|m\.?sc|esq)\.?$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?")
_MOST_WORDS = 5


def person_name_probability(value: str) -> float:
    """Return how much a value looks like the name of a person.

    With a common given name, more so with a common family name too, it is one; a few capitalised
    words, none of them common as a name, may be anything.
    """
    words = _split(value)
    if not words or not _is_cased_like_a_name(words):
        return 0.0
    lower = [word.lower().rstrip(".") for word in words]
    # a family name alone may be one of these words: Hill, Park, West
    if any(word in _NOT_IN_NAMES for word in (lower if len(lower) > 1 else ())):
        surely_a_name = lower[0] in _GIVEN and len(lower) == 2 and lower[1] in _FAMILY
        return 0.9 if surely_a_name else 0.0
    return _probability(lower)


def _split(value: str) -> list[str]:
    """Return the words of a name, given names first, or nothing if there is anything else."""
    bare = _SUFFIX.sub("", _TITLE.sub("", value.strip(), count=1))
    family, comma, given = bare.partition(",")
    if comma and (not given.strip() or "," in given):
        return []
    words = f"{given} {family}".split()
    fits = len(words) <= _MOST_WORDS and all(_WORD.fullmatch(word) for word in words)
    return words if fits else []


def _is_cased_like_a_name(words: list[str]) -> bool:
    text = " ".join(words)
    if text.isupper() or text.islower():
        # not one letter or the like, and no code such as "USD"
        return len(text) > 3
    # particles such as "de" and "van" are written small; a sentence has more small words
    small = [word for word in words if word[0].islower()]
    return words[-1][0].isupper() and len(small) < len(words) / 2


def _probability(words: list[str]) -> float:
    has_given = any(word in _GIVEN for word in words[:-1] or words)
    parts = words[-1].split("-")
    has_family = any(part in _FAMILY for part in [words[-1], *parts])
    if len(words) == 1:
        return 0.6 if has_given or has_family else 0.3
    if has_given:
        return 0.95 if has_family else 0.8
    return 0.6 if has_family else 0.3
