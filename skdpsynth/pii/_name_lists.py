"""Common names, and words that are in the names of other things."""

from __future__ import annotations

__all__ = ["AMBIGUOUS_ALONE", "FAMILY_NAMES", "GIVEN_NAMES", "NOT_IN_NAMES"]

GIVEN_NAMES = frozenset(
    """
    aaron abbie abdul abdullah abigail adam adrian agnes agnieszka ahmed aiden aisha akira alain
    alan alba albert albrecht aldo alejandra alejandro alessandro alex alexander alexandra
    alexis alfonso alfred ali alice alicia alina alison allen allison alma almut alonso alvaro
    alyssa amanda amandine amber amelia amelie amina amir amit amy ana ananya anders andre
    andrea andreas andrew andrzej angel angela angelique anil anita anja anjali anke ann anna
    anne annelie annette annie annika ansgar anthony antje antoine antonia antonio april arjun
    armin arnaud arne arno arthur arturo aryan ashley asier astrid audrey augusto aurelie aurora
    austin ava axel ayden baerbel barbara beate beatrice beatriz benedikt bengt benito benjamin
    bente berit bernard bernd bernhard bert berta bertil beth bethan bethany betty beverly
    bianca bill billy birger birgit birgitta bjorn bo bob bobby bonnie borja brad bradley bram
    brandi brandon brandy brenda brent brett brian brianna brigitte britta brittany brittney
    brooke bruce bruno bryan caitlin caleb calvin camilla camille carina carl carla carlo carlos
    carmen carol caroline carolyn carrie casey cassandra catherine cathy cecile cecilia cedric
    celia celine cesar chad chantal charlene charles charlotte chelsea cheryl chiara chloe chris
    christa christel christian christiane christina christine christophe christopher christy
    cindy claire clara clarence claudia claus clayton clemence clemens clive cody colette colin
    colleen concepcion connie connor consuelo corey corinne cornelia cory courtney craig
    cristian cristina crystal curtis cynthia daan dagmar daisy dale dan dana daniel daniela
    danielle dario darlene darrell darren dave david dawn dean deanna debbie deborah debra
    deepak denise dennis derek derrick desiree detlef devin devon diana diane didier diego
    dieter dirk dmitri dolores domenico dominic dominique don donald donna dorian doris dorothea
    dorothy douglas duane dustin dylan earl eberhard eddie edgar edith eduardo edward edwin egon
    eileen elaine eleanor elena elias elin elisa elisabeth elise elizabeth ella ellen elliot
    elsa emilia emilio emily emma emmanuel enrico enrique eric erica erik erika erin ernest
    ernst esteban esther ethan etienne eugene eugenia eva evan evelyn fabian fabio fabrice
    fabrizio fatima fatma federico felicia felix ferdinand fernando filippo fiona flora florence
    florian frances francesca francesco francis francisco frank franz frazer fred frederic
    frederick frederik frieda friedrich fritz gabriel gabriela gabriele gabriella gabrielle
    gaelle gail gareth gary gaston gavin gemma gene genevieve geoffrey georg george georges
    gerald geraldine gerard gerd gerda gerhard gert gertrud giacomo gilbert gilles gina gino
    giorgio giovanni giulia giuseppe glen glenda glenn gloria gonzalo gordon gottfried grace
    graham greg gregor gregory greta guadalupe guido guillaume gun gunilla gunther gustaf gustav
    gustavo guy hailey hakan hanna hannah hanne hannelore hans hans-peter harald harold harry
    hartmut hassan hayley hazel heather hector hedwig heidi heike heiko heinrich heinz helen
    helena helene helga helmut hendrik henri henrik henry herbert herman hermann hilda hildegard
    hiroshi holger holly horst howard hubert hugo hugues hui iain ian ibrahim ignacio ilse imke
    ines inga inge ingeborg inger ingo ingrid inka irene irina irma irmgard isa isaac isabel
    isabella isabelle isla ismael ivan ivana jaap jack jackie jackson jaclyn jacob jacqueline
    jacques jaden jaime jake james jamie jan jana jane janet janice janne jared jasmin jasmine
    jason javier jay jayne jean jean-claude jeff jeffery jeffrey jenna jennifer jenny jens
    jeremiah jeremy jeroen jerome jerry jesper jesse jessica jesus jill jim jimmy jing jiri jo
    joachim joan joann joanna joanne joaquin jochen jodi joe joel joerg johan johann johanna
    johanne johannes john johnny jon jonas jonathan joost jordan jorge joris jose josef josefa
    josefina josep joseph joshua joy joyce juan juanita juergen julia julian juliana julie
    julien juliette jun jurgen justin kai kaitlin kaitlyn kaja karen kari karin karl karla
    karolina karsten katarzyna kate katelyn katherine kathleen kathryn kathy katie katja katrina
    katy kavita kayla kees keith kelli kellie kelly kelsey ken kendra kenji kenneth kenny kerry
    kerstin kevin khalid kian kieran kim kimberly kirk kirsten kjell klara klaus knut konrad
    konstantin krista kristen kristi kristin kristina kristine kristopher kristy krystal
    krzysztof kurt kyle lakshmi lance lara larry lars latoya laura lauren laurence laurent
    laurie lawrence lea leah leanne lee leigh lena lennart leo leon leonard leonardo leonie
    leopold lesley leslie leticia lewis liam lieselotte lina linda lindsay lindsey ling linnea
    lisa logan lonnie lorenzo loretta lori lorraine lothar louis louisa louise luca lucas lucia
    luciano lucie lucy ludwig luigi luis luisa lukas luke lutz lydia lynda lynn lynne mackenzie
    madison magda magdalena magnus maike maja makayla malcolm malgorzata malik malin manfred
    manon manuel manuela marc marcel marcello marco marcus marek margaret margareta margarete
    margarita margot maria mariah mariana marianne mariano marie marije marina mario marion
    marissa marjolein mark markus marlene marlies marta martha martin martina marvin mary mason
    mateo mathieu mathilde mathis mats matteo matthew matthias maureen maurice maurizio max
    maxime maximilian maxine megan meghan mehmet mei meike melanie melinda melissa melody merce
    mercedes meredith mia micah michael michaela micheal michel michele michelle miguel mikael
    mike milan milos min mindy ming miranda mirko mitchell mohamed mohammad mohammed molly
    monica monika monique montserrat morgan muhammad mustafa nadia nancy naomi natalie natasha
    nathalie nathan nathaniel neha neil nele nicholas nichole nicola nicolas nicole nigel nikhil
    nikita niklas nikolai nils nina noah nora norbert norma norman odette ola olaf olav olga
    oliver olivia olivier omar ondrej oscar oskar ove owen pablo paige pam pamela paola paolo
    pascal pasquale patrice patricia patrick patrik patty paul paula pauline pavel pedro peggy
    penny per pernille perry peter petra philip philipp phillip pia pierre pierre-yves pieter
    pilar piotr pooja pradeep priya rachael rachel radek rafael raffaele rahul raimund rainer
    raj ralf ralph ramesh ramon ramona randall randy raphael raul ravi ray raymond rebecca
    rebekah regina reginald reinhard reinhold remy renate rene renee rhonda rhys ricarda ricardo
    richard rick ricky rik riley rino rita robert roberta roberto robin robyn rocio rodney
    rodolfo rodrigo roger roland rolf romain roman romy ron ronald ronnie rosa rosario rose
    rosemarie rosemary ross roy ruben rudi rudolf russell ruth ruud ryan sabine sabrina sally
    salvatore sam samantha samuel sander sandra sandrine sandy sanjay santiago sara sarah sascha
    savannah scott sean sebastian sebastien sepp sergei sergio seth shane shannon sharon shaun
    shawn shawna sheena sheila shelby shelley shelly sheri sherri sherry siegfried sierra sigrid
    silke silvia silvio simon simona simone sofia sofie solange sonia sonja sonya sophia sophie
    soren stacey stacy stanley stefan stefanie stefano steffen stephane stephanie stephen steve
    steven stewart stuart sue summer sunil suresh susan susana susanne suzanne sven svenja
    svetlana sydney sylvain sylvia sylvie tabitha takashi tamara tammy tanya tara tasha tatiana
    taylor ted teodor terence teresa terrance terri terry thea theodore theresa therese thibault
    thierry thijs thomas thorsten tiffany tilman tim timothy tina tobias todd tom tomasz tommaso
    tommy toni tony tonya torben torsten tracey traci tracie tracy traute travis trevor tricia
    tristan troy tyler ulrich ulrike ursula uta ute uwe vaclav valentin valentina valeria
    valerie vanessa vera verena vernon veronica veronika veronique vicki vickie victoire victor
    victoria vijay viktor viktoria vilma vincent vincenzo virginia virginie vittorio vladimir
    volker walburga waldemar walter walther waltraud wanda warren wayne wei wendy werner wesley
    whitney wiebke wieland wilfried wilhelm willem willi william willie wim wolf wolfgang xaver
    xavier xiao xin yan yannick yolanda yuki yusuf yves yvette yvonne zachary zeynep zita zoe
    zoltan zuzana
    """.split()  # noqa: SIM905
)
FAMILY_NAMES = frozenset(
    """
    adams aguilar ahmed akhtar albert alexander ali allen almeida alonso alvarado alvarez
    andersen anderson andersson andre andrews armstrong arnold austin bailey baker bakker banks
    barbier barker barnes barnett bauer baumann beck becker begum bell bengtsson bennett berg
    berger berglund bergmann bergstrom bernard berry bertrand bianchi bibi bishop black blair
    blanc blanco boehm boer bonnet bos bowman boyd boyer bradley bradshaw brandt braun brooks
    brouwer brown brun bruno bryan bryant burke burns burton busch butler byrd cabrera caldwell
    calvo campbell campos cano cantrell carlson carlsson carmona carpenter carr carroll carter
    cartwright caruso carvalho castillo castro chadwick chambers chan chang chapman chavez chen
    chevalier cho choi chowdhury christensen chung church clark clarke clement cline cohen cole
    coleman colin collins colombo combs conner connolly conti contreras cook cooper costa cox
    craft craig crawford crespo cross cruz cunningham curtis dahl dalton daniels danielsson das
    david davidson davies davis dawson day dean dekker delgado deluca denis desai diaz dietrich
    diez dijk dixon dobson dominguez douglas doyle dubois dufour dumas duncan dunn dupont dupuis
    duran durand duval dvorak dyer edwards ek eklund elliott ellis engel english erickson
    eriksson espinoza esposito esteban estrada evans fabre farrell faure ferguson fernandes
    fernandez ferrara ferrari ferreira ferrer fields finley fischer fisher fitzgerald fleming
    fletcher flores floyd fontaine fontana ford forsberg foster fournier fowler fox francis
    francois frank franklin fraser frazier fredriksson freeman friedrich fuchs fuentes fuller
    gallagher gallego galli gallo gao garcia gardner garnier garrett garza gates gauthier
    gautier gay gibbons gibson gil gilbert gill gimenez giordano girard giraud glass godfrey
    goldberg gomes gomez gonzales gonzalez goodman gordon gould graf graham grant graves gray
    greco green greene gregory griffin gross guerin guerra guerrero gunther guo gupta gustafsson
    gutierrez guzman haas hahn hale hall hamilton hancock hansen hanson hansson hardin harmon
    harper harris harrison hart hartley hartmann harvey hassan hawkins hayes he heath hedlund
    heinrich henderson hendriks henriksson henry hensley hernandez herrera herrmann hester
    hewitt hicks hidalgo hill hodges hodgson hoffman hoffmann hofmann holland holm holmberg
    holmes hooper hoover hopkins horn horton horvath house howard howell hu huang hubert hudson
    huff hughes hull humphreys hunt hunter hurst hussain hutchinson ibanez ibrahim iglesias
    ingram ionescu iqbal isaksson ito ivanov iyer jackson jacobs jacobson jacquet jager jain
    jakobsson james jansen jarvis jenkins jennings jensen jeong jimenez johansen johansson
    johnson johnston jones jong jonsson jordan joshi joyce jung kaiser kane kang karlsson
    kaufman kaur keith keller kelley kelly kemp kennedy kent khan kim king kirby kirk klein
    knight knox kobayashi koch koehler koenig kok koning kovacs kowalczyk kowalski kramer kraus
    krause krueger kuhn kumar lacroix lamb lambert lane lang lange larsen larson larsson laurent
    lawrence lawson leach leclerc leclercq lee lefebvre lefevre legrand lehmann lemaire lemoine
    leonard leone leroux leroy levine levy lewis li lin lind lindberg linden lindgren lindholm
    lindqvist lindstrom little liu livingston lloyd lombardi longo lopez lorenz lorenzo love
    lowe lozano lucas ludwig lundberg lundgren lundin lundqvist luo lynch lyons ma maas
    macdonald magnusson mahmood maier maldonado malhotra malone mancini mann marchand marchetti
    mariani marie marin marino marquez marsh marshall martin martinelli martinez martini mason
    masson mathieu mathis matthews mattsson maxwell may mayer mazza mccarthy mcclure mcconnell
    mccormick mccoy mccullough mcdaniel mcdonald mcgee mcintyre mckenzie mckinney mclaughlin
    mcmahon mcmillan mcpherson medina mehta meier meijer mejia mendez mendoza mercado mercier
    merritt metcalfe meunier meyer michel middleton miles miller mills mitchell mohamed mohammed
    molina moller montero montgomery montoya moore mora morales moran moreau morel moreno
    moretti morgan morin morris morrison morrow morse mosley moss moulin moya moyer mueller
    mulder mullen muller munoz murphy murray myers nagy nair nakamura nash navarro naylor neal
    nelson neumann newman newton nguyen nichols nicholson nicolas nielsen nieto nilsson noble
    noel nolan norberg nordin norman norris norton novak novotny nowak nunez nystrom obrien
    oliveira oliver olivier olofsson olsen olson olsson orr ortega ortiz osborne osman otto owen
    owens padilla page palmer park parker parkinson parks parrish parry parsons pascual pastor
    patel patrick patterson patton payne pearce pearson peeters pena pereira perez perkins
    perrin perry persson peters petersen peterson petersson petit petrov pettersson petty
    pfeiffer pham phelps philippe phillips picard pierce pierre pittman pohl poirier pollard
    pope popescu popov porter potter potts powell powers preston price prieto prins pritchard
    proctor pruitt pugh quinn rahman ramirez ramos ramsey randall randolph rao rasmussen ray
    read reddy reed rees reese regnier reid reilly renard renaud rey reyes reynolds rhodes
    ribeiro ricci rice rich richards richardson richter riley rinaldi rios rivas rivera riviere
    rizzo roach robbins robert roberts robertson robin robinson robles rocha rodrigues rodriguez
    roger rogers rojas rolland rollins roman romano romero rosa rosales rosario rose ross rossi
    roth rousseau roussel rowe roy royer rubio ruiter ruiz rush russell russo ryan saez saito
    salas salazar salinas sampson samuelsson sanchez sandberg sanders sandoval santana santiago
    santoro santos sanz sato sauer saunders savage schafer scherer schmid schmidt schmitt
    schneider schofield schreiber schroeder schubert schulte schultz schulz schulze schumacher
    schuster schwartz scott seidel serra serrano sexton shaffer shah sharma sharp shaw shelton
    shepard sheppard sherman shields short silva simmons simon simpson sims singh sjoberg
    skinner slater small smirnov smit smith smits snow snyder soderberg sokolov soler sommer
    sosa soto souza spencer stafford stanley stark steele stein stephens stephenson stevens
    stewart stone strickland strom strong suarez sullivan sun sundberg sutton suzuki svensson
    svoboda swanson szabo takahashi talbot tanaka tanner tate taylor terrell testa thierry
    thomas thompson thomson thornton thorpe todd torres townsend tran trujillo tucker turnbull
    turner tyler underwood valdez valencia valentine vance vargas vasquez vasseur vaughan vaughn
    vazquez vega velasco velasquez velez verma vicente vidal villa villanueva villarreal vincent
    visser vitale vogel vogt voigt vos vries wade wagner walker wall wallace waller wallin walsh
    walters walton wang ward ware warner warren washington watanabe watkins watson watts weaver
    webb weber weeks weiss welch wells werner west wheeler white whittaker wiggins wilcox wiley
    wilkerson wilkins wilkinson willems williams williamson willis wilson winkler winter winters
    wisniewski wit wolf wolfe wolff wong wood woodard woods woodward wright wu wyatt xu yadav
    yamamoto yang yates yilmaz yoder york young yu zamora zavala zhang zhao zheng zhou zhu
    ziegler zimmerman zimmermann
    """.split()  # noqa: SIM905
)
# words of places, streets, companies, jobs and products, which also have names in them
NOT_IN_NAMES = frozenset(
    """
    academy acid administrator agency airport alley analyst and annex apartment apt arcade
    assistant associates association avenue avenues bank bay bayou beach beef bend blue bluff
    bluffs bottom boulevard box branch bridge building bypass camp canyon cape causeway center
    centers centre chicken church circle circles city cliffs clinic club college common company
    consultant corner corners corp corporation council county course court courts cove coves
    creek crescent crest crossing crossroad cup curve dam department designer developer district
    divide doctor drive drives east engineer engineering estate estates expressway extension
    falls farm ferry field fields flat flats ford forest forges fork forks fort free freeway
    garden gardens gateway gateways general glen glens gmbh great green greens group grove
    groves harbor harbors haven heights high highway hill hills holding hollow hospital hotel
    house inc incorporated inlet institute island islands isle junction junctions key keys knoll
    knolls lake lakes land landing lane large light lights limited llc loaf lock locks lodge
    loop low ltd mall manager manor manors market meadow meadows medical medium mews mill mills
    mission motorway mount mountain mountains museum neck new north nurse oak of office officer
    old orange orchard organic oval overpass park parks parkway parkways partners pass passage
    path pike pine pines pizza place plain plains plaza plc point points port ports prairie
    prairies premium radial ramp ranch rapid rapids red republic resort restaurant ridge ridges
    river road roads room route royal rue run saint salad san santa school scientist service
    services shire shoal shoals shop shore shores size skyway small solutions sons south spring
    springs spur spurs square squares st state station store strait stravenue stream streams
    street streets suite summit surveyor systems teacher technician terrace the theatre
    therapist throughway town trace track trafficway trail trust tunnel turnpike underpass union
    unions unit university valley valleys via viaduct view views village villages ville vista
    walk walks way well wells west white wine with works yellow
    """.split()  # noqa: SIM905
)
# names that, alone, are as often something else
AMBIGUOUS_ALONE = frozenset(
    """
    amber america april asia august austin baker best bishop black brown butler carolina
    carpenter chad charlotte chelsea cook cooper coral crimson dakota dallas day florence
    georgia gray green grey hazel houston india israel ivory jackson jade jordan june kenya king
    knight lavender lincoln long madison may miller olive orlando page paris pearl phoenix price
    rich rose ruby savannah scarlet short sienna sierra small strong sydney victoria violet
    virginia white
    """.split()  # noqa: SIM905
)
